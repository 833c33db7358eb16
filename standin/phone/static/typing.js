// Text entry by keypad: digits, or letters by multi-tap, the way feature phones do it.

export const LETTERS = {
  1: '.,@?!-\'1', 2: 'abc2', 3: 'def3', 4: 'ghi4', 5: 'jkl5', 6: 'mno6',
  7: 'pqrs7', 8: 'tuv8', 9: 'wxyz9', 0: ' 0', '*': '+*/:',
};
const TAP_MILLISECONDS = 900;
const MODES = ['123', 'abc', 'Abc'];

export class Typing {
  constructor({ value = '', mode = '123', limit = 160, modes = MODES } = {}) {
    this.value = value;
    this.mode = mode;
    this.modes = modes;
    this.limit = limit;
    this.lastKey = null;
    this.lastAt = 0;
    this.turn = 0;
  }

  /** Take a keypad key: 0-9, * or #. */
  key(key, now = performance.now()) {
    if (this.modes.length > 1 && key === '#') {
      this.mode = this.modes[(this.modes.indexOf(this.mode) + 1) % this.modes.length];
      this.lastKey = null;
      return;
    }
    if (this.mode === '123' || !(key in LETTERS)) {
      this.insert(key);
      return;
    }
    const letters = LETTERS[key];
    const again = key === this.lastKey && now - this.lastAt < TAP_MILLISECONDS;
    this.turn = again ? (this.turn + 1) % letters.length : 0;
    if (again) this.value = this.value.slice(0, -1);
    this.insert(this.capital() ? letters[this.turn].toUpperCase() : letters[this.turn]);
    this.lastKey = key;
    this.lastAt = now;
  }

  /** Take a character from a real keyboard. */
  insert(character) {
    this.lastKey = null;
    if (this.value.length < this.limit) this.value += character;
  }

  erase() {
    this.lastKey = null;
    this.value = this.value.slice(0, -1);
  }

  capital() {
    return this.mode === 'Abc' && (this.value === '' || this.value.endsWith(' '));
  }
}
