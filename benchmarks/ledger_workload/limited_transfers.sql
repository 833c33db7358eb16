\set n :n + 1
\set k :base + :client_id * 10000000 + :n
\set r permute(:k, 1099511627776, 7)
\set a random(1000, 5899)
\set b :a + random(1, 99)
SELECT outcome FROM post_transaction('transfer', 'bench', (:k)::bigint::text, '\x00', translate(lpad(to_hex(:r::bigint), 10, '0'), '0123456789abcdef', 'ABCDEFGHJKMNPQRS'), 'user:1', 'bench', ARRAY[:a::bigint, :b::bigint], ARRAY[100, -100]::bigint[], ARRAY[NULL, 50000000000000]::bigint[], '{"request":{"amount":100},"fee":0,"from":{"name":"Jane Wanjiru","msisdn":"0712***678"},"to":{"name":"John Otieno","msisdn":"0712***678"}}', NULL, NULL, :a::bigint, 'transfer', current_date, 100, 100000000000000, ('[{"channel":"sms","user_id":1000,"recipient":"+254712345678","language":"en","template":"transfer_sent","params":{"amount":100,"fee":0,"name":"John Otieno","msisdn":"0712***678"},"balance_of":' || :a::bigint || '},{"channel":"sms","user_id":1000,"recipient":"+254712345678","language":"en","template":"transfer_received","params":{"amount":100,"name":"John Otieno","msisdn":"0712***678"},"balance_of":' || :b::bigint || '}]')::jsonb);
