-- Which transactions of a wallet have a customer on the other side, who is asked for by number. The
-- other side's postings are the other's rows, so the kernel compares, and only for the wallet's owner.
CREATE FUNCTION public.transactions_with(
    p_account_id bigint, p_msisdn text, p_since timestamptz, p_until timestamptz
) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER AS $with$
    SELECT own.transaction_id
    FROM public.accounts AS mine
    JOIN public.users AS other ON other.msisdn = p_msisdn AND other.id <> mine.user_id
    JOIN public.accounts AS others ON others.user_id = other.id
    JOIN public.postings AS theirs ON theirs.account_id = others.id
    JOIN public.postings AS own ON own.account_id = mine.id
        AND own.posted_at = theirs.posted_at AND own.transaction_id = theirs.transaction_id
    WHERE mine.id = p_account_id AND public.acts_for(mine.user_id)
        AND own.posted_at BETWEEN p_since AND p_until
        AND theirs.posted_at BETWEEN p_since AND p_until
$with$;
ALTER FUNCTION public.transactions_with OWNER TO cycle_kernel;
REVOKE ALL ON FUNCTION public.transactions_with FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.transactions_with TO cycle_app;
