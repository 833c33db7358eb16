-- What a paybill's validation announced, found again by the receipt that its confirmation carries;
-- and which stops of payouts the organisation has been written to about.
ALTER TABLE mpesa_callbacks ADD COLUMN mpesa_receipt text;
CREATE INDEX mpesa_callbacks_announced ON mpesa_callbacks (mpesa_receipt) WHERE kind = 'c2b_validate';
ALTER TABLE payout_pauses ADD COLUMN alarmed_at timestamptz;
-- Nobody needs a letter about a stop of long ago.
UPDATE payout_pauses SET alarmed_at = now();
CREATE INDEX payout_pauses_unheard ON payout_pauses (id) WHERE alarmed_at IS NULL;
