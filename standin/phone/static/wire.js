// The stand-in's routes for one phone. Every call resolves; `null` means that it failed.

async function call(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

export const numbers = () => call('GET', '/phone/numbers');

export class Line {
  constructor(msisdn) {
    this.msisdn = msisdn;
    this.base = `/handset/${msisdn}`;
  }

  customer() { return call('GET', this.base); }
  session() { return call('GET', `${this.base}/session`); }
  inbox() { return call('GET', `${this.base}/inbox`); }
  prompts() { return call('GET', `${this.base}/prompts`); }
  dial(input) { return call('POST', `${this.base}/dial`, { input }); }
  reply(input) { return call('POST', `${this.base}/reply`, { input }); }
  hangUp() { return call('POST', `${this.base}/hangup`); }
  sms(to, text) { return call('POST', `${this.base}/sms`, { to, text }); }
  paybill(account, amount) { return call('POST', `${this.base}/paybill`, { account, amount }); }
  answer(prompt, answer) { return call('POST', `${this.base}/prompts/${prompt}`, answer); }
}
