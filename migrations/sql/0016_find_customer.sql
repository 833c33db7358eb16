-- Who is behind a number, asked before anybody is known to act. As the kernel, so that it is one
-- statement without a transaction's context around it.
CREATE FUNCTION public.find_customer(p_msisdn text)
RETURNS TABLE (id bigint, msisdn text, first_name text, last_name text, language text, status text,
    email text, email_pending text, email_confirmed_at timestamptz, pin_failures integer,
    pin_locked_until timestamptz, pin_must_change boolean, withdrawals_capped_until timestamptz,
    sms_balance_enrolled boolean, sms_opted_out_at timestamptz, created_at timestamptz, wallet_account_id bigint,
    wallet_number text, wallet_status text)
LANGUAGE sql STABLE SECURITY DEFINER AS $customer$
    SELECT u.id, u.msisdn, u.first_name, u.last_name, u.language, u.status, u.email,
        u.email_pending, u.email_confirmed_at, u.pin_failures, u.pin_locked_until,
        u.pin_must_change, u.withdrawals_capped_until, u.sms_balance_enrolled,
        u.sms_opted_out_at, u.created_at,
        a.id, a.number, a.status
    FROM public.users AS u JOIN public.accounts AS a ON a.user_id = u.id AND a.code = 'USER_WALLET'
    WHERE u.msisdn = p_msisdn
$customer$;
ALTER FUNCTION public.find_customer OWNER TO cycle_kernel;
REVOKE ALL ON FUNCTION public.find_customer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.find_customer TO cycle_app;
