// The desk: two handsets, the language of the page, the keyboard, and the clock of polling.

import { Handset, toMsisdn } from './handset.js';
import { currentLanguage, setLanguage, text } from './texts.js';
import { numbers } from './wire.js';

const POLL_MILLISECONDS = 1000;
const FIRST_NUMBERS = { 1: '254712345678', 2: '254723456789' };
const handsets = [];

function activate(handset) {
  for (const each of handsets) {
    const chosen = each === handset;
    each.station.classList.toggle('active', chosen);
    document.querySelector(`.tabs [data-show="${each.index}"]`)
      .setAttribute('aria-selected', String(chosen));
  }
}

const active = () => handsets.find((each) => each.station.classList.contains('active'));

function write() {
  document.documentElement.lang = currentLanguage();
  for (const node of document.querySelectorAll('[data-text]')) {
    node.textContent = text(node.dataset.text);
  }
  for (const tab of document.querySelectorAll('.tabs button')) {
    tab.textContent = `${text('phone')} ${tab.dataset.show}`;
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    const chosen = button.dataset.language === currentLanguage();
    button.setAttribute('aria-pressed', String(chosen));
  }
  for (const handset of handsets) {
    handset.station.setAttribute('aria-label', `${text('phone')} ${handset.index}`);
    handset.draw();
  }
}

function listen() {
  document.querySelector('.languages').addEventListener('click', (event) => {
    const button = event.target.closest('[data-language]');
    if (!button) return;
    setLanguage(button.dataset.language);
    write();
  });
  document.querySelector('.tabs').addEventListener('click', (event) => {
    const tab = event.target.closest('[data-show]');
    if (tab) activate(handsets[Number(tab.dataset.show) - 1]);
  });
  for (const handset of handsets) {
    handset.station.addEventListener('pointerdown', (event) => {
      activate(handset);
      // a pressed key leaves the focus where it was, so that the keyboard goes on typing
      if (event.target.closest('[data-key]')) event.preventDefault();
    });
    handset.station.addEventListener('focusin', () => activate(handset));
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.closest?.('input');
    if (field && !field.closest('.prompt')) return;
    const button = event.target.closest?.('button');
    if (button && (event.key === 'Enter' || event.key === ' ')) {
      if (!button.closest('.handset') || event.key === ' ') return;
    }
    if (active()?.keyboard(event)) event.preventDefault();
  });
}

async function start() {
  const codes = await numbers();
  const query = new URLSearchParams(location.search);
  const template = document.querySelector('#station');
  const desk = document.querySelector('.desk');
  desk.style.setProperty('--idle-seconds', `${codes.idle_seconds}s`);
  for (const index of [1, 2]) {
    desk.append(template.content.cloneNode(true));
    const msisdn = toMsisdn(query.get(`phone${index}`) ?? '')
      ?? localStorage.getItem(`phone-${index}`) ?? FIRST_NUMBERS[index];
    handsets.push(new Handset(desk.lastElementChild, index, msisdn, codes));
  }
  listen();
  activate(handsets[0]);
  write();
  setInterval(() => {
    if (document.hidden) return;
    for (const handset of handsets) handset.poll();
  }, POLL_MILLISECONDS);
  setInterval(() => handsets.forEach((each) => each.view.name === 'idle' && each.draw()), 15000);
  document.documentElement.dataset.ready = 'true';
}

start();
