// One handset: its line, its views, its keys, and what it learns from the network by polling.

import { text } from './texts.js';
import { LETTERS } from './typing.js';
import { Dial, Idle, Message, Notice, Ussd, element } from './views.js';
import { Line } from './wire.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
const KEY_CLASS = { '*': 'key-star', '#': 'key-hash' };
const MSISDN = /^(?:\+?254|0)?([17][0-9]{8})$/;
const HOPS_SHOWN = 14;
const HOP_SCALE_MILLISECONDS = 60;

export function toMsisdn(typed) {
  const match = MSISDN.exec(typed.replace(/[ -]/g, ''));
  return match ? `254${match[1]}` : null;
}

export class Handset {
  constructor(station, index, msisdn, numbers) {
    this.index = index;
    this.station = station;
    this.numbers = numbers;
    this.lastDialled = numbers.ussd_code;
    this.node = (selector) => station.querySelector(selector);
    this.screen = this.node('.screen');
    station.dataset.phone = String(index);
    this.node('.keypad').append(...KEYS.map(keypadKey));
    this.node('.prompt input').addEventListener('input', () => this.drawSoftLabels());
    this.node('.prompt').addEventListener('submit', (event) => {
      event.preventDefault();
      this.press('left');
    });
    station.addEventListener('click', (event) => {
      const key = event.target.closest('[data-key]');
      if (key) this.press(key.dataset.key);
    });
    this.node('.badge').addEventListener('click', () => { this.home(); this.press('right'); });
    this.node('.quick').addEventListener('click', () => this.dial(numbers.ussd_code));
    const field = this.node('.msisdn input');
    field.addEventListener('change', () => this.renumber(field.value));
    this.node('.msisdn').addEventListener('submit', (event) => {
      event.preventDefault();
      field.blur();
    });
    this.use(msisdn);
  }

  /** Put this SIM into the handset. */
  use(msisdn) {
    this.line = new Line(msisdn);
    this.messages = [];
    this.customer = null;
    this.hops = [];
    this.network = '';
    this.line.session().then((session) => { this.network = session?.network ?? ''; this.draw(); });
    this.closePrompt();
    this.node('.msisdn input').value = `0${msisdn.slice(3)}`;
    localStorage.setItem(`phone-${this.index}`, msisdn);
    this.readId = Number(localStorage.getItem(`read-${msisdn}`) ?? 0);
    this.home();
    this.poll();
  }

  renumber(typed) {
    const msisdn = toMsisdn(typed);
    const field = this.node('.msisdn input');
    field.setCustomValidity(msisdn ? '' : text('badNumber'));
    field.reportValidity();
    if (!msisdn || msisdn === this.line.msisdn) return;
    this.line.hangUp();
    this.use(msisdn);
  }

  // What the keys do

  press(key) {
    if (this.prompt) this.pressInPrompt(key);
    else if (/^[0-9*#]$/.test(key)) this.view.key(key);
    else this.view[key]();
    this.draw();
  }

  pressInPrompt(key) {
    const input = this.node('.prompt input');
    if (/^[0-9]$/.test(key)) input.value = (input.value + key).slice(0, 4);
    else if (key === 'right' && input.value) input.value = input.value.slice(0, -1);
    else if (key === 'right' || key === 'red') this.answerPrompt({ cancel: true });
    else if (['left', 'ok', 'green'].includes(key) && /^[0-9]{4}$/.test(input.value)) {
      this.answerPrompt({ pin: input.value });
    }
  }

  /** Take a key of the computer's keyboard; true when the handset used it. */
  keyboard(event) {
    const named = { Enter: 'left', Escape: 'red', ArrowUp: 'up', ArrowDown: 'down' }[event.key];
    const inPrompt = event.target === this.node('.prompt input');
    if (named) this.press(named);
    else if (inPrompt) return false;
    else if (event.key === 'Backspace') {
      if (this.prompt) this.press('right');
      else this.view.erase();
    } else if (event.key.length === 1) {
      if (this.prompt) this.press(event.key);
      else this.view.character(event.key);
    } else return false;
    this.draw();
    return true;
  }

  show(view) {
    this.view = view;
    this.draw();
    this.screen.scrollTop = 0;
  }

  home() { this.show(new Idle(this)); }
  scroll(direction) { this.screen.scrollTop += direction * 40; }

  // The line

  async dial(input) {
    if (!input) return;
    this.lastDialled = input;
    this.hops = [];
    const view = new Ussd(this);
    this.show(view);
    this.take(view, await this.line.dial(input));
  }

  async reply(input) {
    const view = this.view;
    view.state = { ...view.state, waiting: true };
    this.draw();
    this.take(view, await this.line.reply(input));
  }

  async hangUp() {
    this.home();
    await this.line.hangUp();
  }

  take(view, state) {
    if (this.view !== view) return;
    view.take(state ?? { screen: text('failed'), open: false, waiting: false, hops: [] });
    this.hops = view.state.hops ?? [];
    this.node('.idle').classList.remove('running');
    if (view.state.open) requestAnimationFrame(() => this.node('.idle').classList.add('running'));
    this.draw();
    this.screen.scrollTop = 0;
    this.poll();
  }

  async sendSms(to, words) {
    this.show(new Notice(this, text('sending')));
    const sent = await this.line.sms(to, words);
    this.show(new Notice(this, text(sent ? 'sent' : 'notSent')));
  }

  async payBill(account, amount) {
    const paid = await this.line.paybill(account, amount);
    const words = paid?.receipt ? `${text('paid')} ${paid.receipt}` : text('notPaid');
    this.show(new Notice(this, words));
    this.poll();
  }

  // News from the network

  async poll() {
    const line = this.line;
    const [inbox, prompts, customer] = await Promise.all([
      line.inbox(), line.prompts(), line.customer(),
    ]);
    if (line !== this.line) return;
    if (inbox) this.takeInbox(inbox);
    if (prompts) this.takePrompt(prompts[0] ?? null);
    if (customer) this.takeCustomer(customer);
    if (this.view instanceof Ussd && this.view.asks) {
      const session = await line.session();
      const here = this.view instanceof Ussd && this.view.asks && line === this.line;
      if (session && !session.open && here) this.take(this.view, session);
    }
  }

  takeInbox(messages) {
    const latest = messages.at(-1)?.id ?? 0;
    if (latest < this.readId) this.readUpTo(0);  // the stand-in has started afresh
    const arrived = messages.length > this.messages.length;
    const changed = messages.length !== this.messages.length;
    this.messages = messages;
    if (arrived) this.buzz();
    if (changed) this.draw();
  }

  takePrompt(prompt) {
    if (prompt?.id === this.prompt?.id) return;
    if (!prompt) {
      this.closePrompt();
      this.draw();
      return;
    }
    this.prompt = prompt;
    const form = this.node('.prompt');
    form.hidden = false;
    form.dataset.prompt = prompt.id;
    this.node('.prompt input').value = '';
    this.buzz();
    this.draw();
    if (this.station.classList.contains('active')) {
      this.node('.prompt input').focus({ preventScroll: true });
    }
  }

  closePrompt() {
    this.prompt = null;
    this.node('.prompt').hidden = true;
    this.node('.prompt input').value = '';
  }

  async answerPrompt(answer) {
    const { id } = this.prompt;
    this.closePrompt();
    this.draw();
    await this.line.answer(id, answer);
    this.poll();
  }

  takeCustomer(customer) {
    this.customer = customer;
    this.drawSlip();
  }

  // Messages read and unread

  isUnread(message) { return message.id > this.readId && !this.readHere?.has(message.id); }
  get unread() { return this.messages.filter((message) => this.isUnread(message)).length; }

  markRead(message) {
    this.readHere ??= new Set();
    this.readHere.add(message.id);
    while (this.messages.some((m) => m.id > this.readId && this.readHere.has(m.id))) {
      const next = this.messages.find((m) => m.id > this.readId);
      if (!this.readHere.has(next.id)) break;
      this.readUpTo(next.id);
    }
  }

  readUpTo(id) {
    this.readId = id;
    if (id === 0) this.readHere = new Set();
    localStorage.setItem(`read-${this.line.msisdn}`, String(id));
  }

  // Drawing

  buzz() {
    const body = this.node('.handset');
    body.classList.remove('buzz');
    requestAnimationFrame(() => body.classList.add('buzz'));
  }

  draw() {
    const top = this.screen.scrollTop;
    this.station.dataset.view = this.prompt ? 'prompt' : this.view.name;
    this.screen.replaceChildren();
    this.view.draw(this.screen);
    this.screen.scrollTop = top;
    this.node('.mode').textContent = this.prompt ? '' : (this.view.typing?.mode ?? '');
    this.node('.network').textContent = this.network;
    const badge = this.node('.badge');
    badge.hidden = this.unread === 0;
    badge.textContent = String(this.unread);
    badge.setAttribute('aria-label', `${this.unread} ${text('newMessages')}`);
    if (this.prompt) this.drawPrompt();
    this.drawSoftLabels();
    this.drawSlip();
  }

  drawPrompt() {
    const { amount, business, reference } = this.prompt;
    this.node('.prompt-text').textContent = text('promptText', amount, business, reference);
    this.node('.prompt-label').textContent = text('promptLabel');
  }

  drawSoftLabels() {
    const typed = this.node('.prompt input').value;
    const labels = this.prompt
      ? [text('ok'), text(typed ? 'clear' : 'cancel')]
      : [this.view.leftLabel, this.view.rightLabel];
    const [left, right] = this.station.querySelectorAll('.softlabels span');
    [left.textContent, right.textContent] = labels;
    this.node('.soft-left').setAttribute('aria-label', labels[0] || '-');
    this.node('.soft-right').setAttribute('aria-label', labels[1] || '-');
    this.node('.key-green').setAttribute('aria-label', text('call'));
    this.node('.key-red').setAttribute('aria-label', text('hangUp'));
    this.node('.key-ok').setAttribute('aria-label', text('ok'));
    this.node('.key-up').setAttribute('aria-label', text('up'));
    this.node('.key-down').setAttribute('aria-label', text('down'));
  }

  drawSlip() {
    const { customer } = this;
    this.node('.owner').textContent = capitalised(customer?.name ?? '');
    this.node('.balance').textContent = customer ? shillings(customer.mpesa_balance) : '–';
    this.node('.pin').textContent = customer?.mpesa_pin ?? '–';
    this.node('.quick').textContent = `${text('quick')} ${this.numbers.ussd_code}`;
    const last = this.hops.at(-1);
    this.node('.last-hop').textContent = last ? `${last.milliseconds} ms` : '';
    this.node('.hops').setAttribute('aria-label', text('hops'));
    const hops = this.hops.slice(-HOPS_SHOWN);
    const slowest = Math.max(HOP_SCALE_MILLISECONDS, ...hops.map((hop) => hop.milliseconds));
    this.node('.hops').replaceChildren(...hops.map((hop) => {
      const bar = element('i');
      bar.style.height = `${Math.max(6, hop.milliseconds / slowest * 100)}%`;
      bar.title = `${hop.milliseconds} ms, ${hop.bytes} B`;
      return bar;
    }));
  }
}

function capitalised(name) {
  return name.toLowerCase().replace(/(^| )\p{L}/gu, (letter) => letter.toUpperCase());
}

function shillings(amount) {
  const [whole, cents] = amount.split('.');
  return `Ksh ${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

function keypadKey(key) {
  const button = element('button', `key ${KEY_CLASS[key] ?? `key-${key}`}`);
  button.type = 'button';
  button.dataset.key = key;
  const letters = { '*': '+', 0: '␣', '#': '123 abc', 1: '.,@' }[key] ?? LETTERS[key].slice(0, -1);
  button.append(element('b', '', key), element('span', '', letters));
  button.setAttribute('aria-label', key);
  return button;
}
