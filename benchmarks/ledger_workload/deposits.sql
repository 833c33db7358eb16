\set n :n + 1
\set k :base + :client_id * 10000000 + :n
\set r permute(:k, 1099511627776, 7)
\set a random(1000, 5999)
SELECT outcome FROM post_transaction('deposit', 'bench', (:k)::bigint::text, '\x00', translate(lpad(to_hex(:r::bigint), 10, '0'), '0123456789abcdef', 'ABCDEFGHJKMNPQRS'), 'system', 'bench', ARRAY[1::bigint, :a::bigint], ARRAY[100, -100]::bigint[], ARRAY[NULL, 50000000000000]::bigint[], '{"request":{"amount":100},"mpesa_receipt":"SG632NMUAB","from":{"name":"M-Pesa","msisdn":""}}', p_messages => ('[{"channel":"sms","user_id":1000,"recipient":"+254712345678","language":"en","template":"deposit_received","params":{"amount":100,"mpesa_receipt":"SG632NMUAB"},"balance_of":' || :a::bigint || '}]')::jsonb);
