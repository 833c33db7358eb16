// Words of the page and of the handset's own menus; the product's screens come as they are.

export const TEXTS = {
  en: {
    strapline: 'Two feature phones on a network played by this computer. No real money moves.',
    keys: 'Keyboard: type digits and letters, Enter sends, Backspace deletes, Esc hangs up. Click a phone to take it in hand.',
    phone: 'Phone',
    number: 'This phone’s number',
    balance: 'M-PESA balance',
    pin: 'M-PESA PIN',
    hops: 'Hop times',
    badNumber: 'Not a Kenyan mobile number',
    quick: 'Dial',
    menu: 'Menu',
    messages: 'Messages',
    write: 'Write message',
    paybill: 'M-PESA Pay Bill',
    bulkSms: 'Bulk SMS on/off',
    call: 'Call',
    clear: 'Clear',
    send: 'Send',
    cancel: 'Cancel',
    ok: 'OK',
    back: 'Back',
    open: 'Open',
    select: 'Select',
    reply: 'Reply',
    running: 'USSD code running',
    sending: 'Sending',
    empty: 'No messages',
    to: 'To',
    text: 'Text',
    account: 'Account',
    amount: 'Amount',
    next: 'Next',
    sent: 'Message sent',
    notSent: 'Not sent',
    paid: 'Paid. Receipt',
    notPaid: 'Not paid',
    failed: 'No network',
    newMessage: 'new message',
    newMessages: 'new messages',
    promptText: (amount, business, reference) =>
      `Do you want to pay Ksh. ${amount} to ${business} Account no. ${reference}?`,
    promptLabel: 'Enter M-PESA PIN:',
    hangUp: 'Hang up',
    up: 'Up',
    down: 'Down',
    days: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
  },
  sw: {
    strapline: 'Simu mbili za kawaida kwenye mtandao wa majaribio. Hakuna pesa halisi inayotumwa.',
    keys: 'Kibodi: andika nambari na herufi, Enter hutuma, Backspace hufuta, Esc hukata simu. Bofya simu ili kuishika.',
    phone: 'Simu',
    number: 'Nambari ya simu hii',
    balance: 'Salio la M-PESA',
    pin: 'PIN ya M-PESA',
    hops: 'Muda wa majibu',
    badNumber: 'Si nambari ya simu ya Kenya',
    quick: 'Piga',
    menu: 'Menyu',
    messages: 'Ujumbe',
    write: 'Andika ujumbe',
    paybill: 'M-PESA Lipa Pay Bill',
    bulkSms: 'SMS za matangazo',
    call: 'Piga',
    clear: 'Futa',
    send: 'Tuma',
    cancel: 'Ghairi',
    ok: 'Sawa',
    back: 'Rudi',
    open: 'Fungua',
    select: 'Chagua',
    reply: 'Jibu',
    running: 'Subiri',
    sending: 'Inatuma',
    empty: 'Hakuna ujumbe',
    to: 'Kwa',
    text: 'Ujumbe',
    account: 'Akaunti',
    amount: 'Kiasi',
    next: 'Mbele',
    sent: 'Ujumbe umetumwa',
    notSent: 'Haukutumwa',
    paid: 'Umelipa. Risiti',
    notPaid: 'Hujalipa',
    failed: 'Hakuna mtandao',
    newMessage: 'ujumbe mpya',
    newMessages: 'ujumbe mpya',
    promptText: (amount, business, reference) =>
      `Je, ungependa kulipa Ksh. ${amount} kwa ${business} Akaunti nambari ${reference}?`,
    promptLabel: 'Weka PIN ya M-PESA:',
    hangUp: 'Kata simu',
    up: 'Juu',
    down: 'Chini',
    days: ['Jpl', 'Jtt', 'Jnn', 'Jtn', 'Alh', 'Ijm', 'Jms'],
  },
};

let language = localStorage.getItem('language') === 'sw' ? 'sw' : 'en';

export function currentLanguage() {
  return language;
}

export function setLanguage(next) {
  language = next;
  localStorage.setItem('language', next);
}

export function text(name, ...values) {
  const found = TEXTS[language][name];
  return typeof found === 'function' ? found(...values) : found;
}
