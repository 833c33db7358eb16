// What the handset's small screen shows, one class a view. A view draws itself into the screen
// and takes keys; labels of the two soft keys and the typing mode are read from it.

import { Typing } from './typing.js';
import { text } from './texts.js';

export function element(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = content;
  return node;
}

/** East Africa Time has no summer time: shift once, then read the UTC fields. */
function nairobi(moment) { return new Date(moment.getTime() + 3 * 3600 * 1000); }
const time = (moment) => moment.toISOString().slice(11, 16);
const date = (moment) => `${moment.getUTCDate()}/${moment.getUTCMonth() + 1}`;

function inputLine(typing) {
  const line = element('div', 'input');
  line.append(element('span', 'typed', typing.value), element('i', 'cursor'));
  return line;
}

class View {
  constructor(phone) { this.phone = phone; }
  get name() { return this.constructor.name.toLowerCase(); }
  get leftLabel() { return ''; }
  get rightLabel() { return text('back'); }
  get typing() { return null; }
  draw() {}
  left() {}
  right() { this.phone.home(); }
  ok() { this.left(); }
  green() { this.left(); }
  red() { this.phone.home(); }
  up() { this.phone.scroll(-1); }
  down() { this.phone.scroll(1); }
  key(key) { this.typing?.key(key); }
  character(character) { this.typing?.insert(character); }
  erase() { this.typing?.erase(); }
}

export class Idle extends View {
  get leftLabel() { return text('menu'); }
  get rightLabel() { return text('messages'); }

  draw(screen) {
    const now = nairobi(new Date());
    const day = `${text('days')[now.getUTCDay()]} ${date(now)}/${now.getUTCFullYear()}`;
    screen.append(element('div', 'clock', time(now)), element('div', 'day', day));
    const unread = this.phone.unread;
    if (unread) {
      const words = text(unread === 1 ? 'newMessage' : 'newMessages');
      screen.append(element('div', 'news', `✉ ${unread} ${words}`));
    }
  }

  left() { this.phone.show(new Menu(this.phone)); }
  right() { this.phone.show(new Inbox(this.phone)); }
  ok() { (this.phone.unread ? this.right : this.left).call(this); }
  green() { this.phone.show(new Dial(this.phone, this.phone.lastDialled)); }
  key(key) { this.character(key); }
  character(character) {
    if (/^[0-9*#+]$/.test(character)) this.phone.show(new Dial(this.phone, character));
  }
}

export class Dial extends View {
  constructor(phone, value) {
    super(phone);
    this.input = new Typing({ value, limit: 60, modes: ['123'] });
  }

  get typing() { return this.input; }
  get leftLabel() { return text('call'); }
  get rightLabel() { return text('clear'); }
  draw(screen) {
    const line = inputLine(this.input);
    line.classList.add('dialled');
    screen.append(line);
  }

  left() { this.phone.dial(this.input.value); }
  right() {
    this.input.erase();
    if (!this.input.value) this.phone.home();
  }

  character(character) { if (/^[0-9*#+]$/.test(character)) this.input.insert(character); }
  erase() { this.right(); }
}

export class Ussd extends View {
  constructor(phone) {
    super(phone);
    this.input = new Typing({ limit: 182 });
    this.state = { screen: '', open: true, waiting: true };
  }

  get typing() { return this.asks ? this.input : null; }
  get asks() { return this.state.open && !this.state.waiting; }
  get leftLabel() {
    if (this.state.waiting) return '';
    return this.state.open ? text('send') : text('ok');
  }

  get rightLabel() {
    if (this.state.waiting) return text('cancel');
    if (!this.state.open) return '';
    return this.input.value ? text('clear') : text('cancel');
  }

  take(state) {
    this.state = state;
    this.input = new Typing({ limit: 182 });
  }

  draw(screen) {
    if (this.state.waiting) {
      screen.append(element('div', 'running', text('running')));
      return;
    }
    screen.append(element('div', 'ussd', this.state.screen));
    if (this.state.open) screen.append(inputLine(this.input));
  }

  left() {
    if (this.state.waiting) return;
    if (this.state.open) this.phone.reply(this.input.value);
    else this.phone.home();
  }

  right() {
    if (this.asks && this.input.value) this.input.erase();
    else this.red();
  }

  red() {
    if (this.state.open) this.phone.hangUp();
    else this.phone.home();
  }
}

class List extends View {
  constructor(phone) {
    super(phone);
    this.chosen = 0;
  }

  items() { return []; }
  get leftLabel() { return this.items().length ? text('select') : ''; }
  up() { this.move(-1); }
  down() { this.move(1); }
  move(step) {
    const count = this.items().length;
    if (count) this.chosen = (this.chosen + step + count) % count;
  }

  draw(screen) {
    const items = this.items();
    if (!items.length) screen.append(element('div', 'notice', text('empty')));
    items.forEach((item, index) => {
      const row = element('button', index === this.chosen ? 'row chosen' : 'row');
      row.type = 'button';
      row.tabIndex = -1;
      row.append(element('b', item.fresh ? 'fresh' : '', item.title));
      if (item.detail) row.append(element('span', '', item.detail));
      row.addEventListener('click', () => { this.chosen = index; this.left(); this.phone.draw(); });
      screen.append(row);
      if (index === this.chosen) queueMicrotask(() => row.scrollIntoView({ block: 'nearest' }));
    });
  }
}

/** The operator's code that stops bulk SMS, and lets them through again. */
const BULK_SMS_CODE = '*456*9*5#';

export class Menu extends List {
  items() {
    return [
      { title: text('messages'), go: () => this.phone.show(new Inbox(this.phone)) },
      { title: text('write'), go: () => this.phone.show(compose(this.phone)) },
      { title: text('paybill'), go: () => this.phone.show(paybill(this.phone)) },
      { title: text('bulkSms'), go: () => this.phone.dial(BULK_SMS_CODE) },
    ];
  }

  left() { this.items()[this.chosen].go(); }
  key(key) {
    const item = this.items()[Number(key) - 1];
    if (item) item.go();
  }
}

export class Inbox extends List {
  get leftLabel() { return this.items().length ? text('open') : ''; }
  items() {
    return this.phone.messages.toReversed().map((message) => ({
      title: message.from, detail: message.text, fresh: this.phone.isUnread(message), message,
    }));
  }

  left() {
    const item = this.items()[this.chosen];
    if (item) this.phone.show(new Message(this.phone, item.message));
  }
}

export class Message extends View {
  constructor(phone, message) {
    super(phone);
    this.message = message;
    phone.markRead(message);
  }

  get leftLabel() { return text('reply'); }
  draw(screen) {
    const at = nairobi(new Date(this.message.at));
    const head = element('div', 'head');
    head.append(element('b', '', this.message.from), element('span', '', `${date(at)} ${time(at)}`));
    screen.append(head, element('div', 'body', this.message.text));
  }

  left() {
    const sender = this.message.from;
    const to = /^\+?[0-9]+$/.test(sender) ? sender : this.phone.numbers.sms_code;
    this.phone.show(compose(this.phone, to));
  }

  right() { this.phone.show(new Inbox(this.phone)); }
}

export class Form extends View {
  constructor(phone, fields, submit) {
    super(phone);
    this.fields = fields;
    this.submit = submit;
    this.current = fields.findIndex((field) => !field.typing.value);
    if (this.current < 0) this.current = 0;
  }

  get typing() { return this.fields[this.current].typing; }
  get last() { return this.current === this.fields.length - 1; }
  get leftLabel() { return this.last ? text('send') : text('next'); }
  get rightLabel() { return this.typing.value ? text('clear') : text('back'); }
  up() { this.current = Math.max(0, this.current - 1); }
  down() { this.current = Math.min(this.fields.length - 1, this.current + 1); }
  draw(screen) {
    this.fields.forEach((field, index) => {
      screen.append(element('div', 'label', text(field.label)));
      const line = inputLine(field.typing);
      line.dataset.field = field.label;
      if (index !== this.current) line.classList.add('resting');
      screen.append(line);
    });
  }

  left() {
    if (!this.last) { this.down(); return; }
    if (this.fields.every((field) => field.typing.value)) {
      this.submit(...this.fields.map((field) => field.typing.value));
    }
  }

  right() {
    if (this.typing.value) this.typing.erase();
    else this.phone.home();
  }
}

export function compose(phone, to = phone.numbers.sms_code) {
  const fields = [
    { label: 'to', typing: new Typing({ value: to, limit: 16, modes: ['123'] }) },
    { label: 'text', typing: new Typing({ mode: 'abc', limit: 480 }) },
  ];
  const form = new Form(phone, fields, (number, words) => phone.sendSms(number, words));
  form.current = 1;
  return form;
}

export function paybill(phone) {
  const fields = [
    { label: 'account', typing: new Typing({ limit: 20 }) },
    { label: 'amount', typing: new Typing({ limit: 6, modes: ['123'] }) },
  ];
  return new Form(phone, fields, (account, amount) => phone.payBill(account, amount));
}

export class Notice extends View {
  constructor(phone, words) {
    super(phone);
    this.words = words;
  }

  get leftLabel() { return text('ok'); }
  get rightLabel() { return ''; }
  draw(screen) { screen.append(element('div', 'notice', this.words)); }
  left() { this.phone.home(); }
}
