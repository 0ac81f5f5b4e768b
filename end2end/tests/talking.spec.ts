import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';

test('two people talk, both ways, and see the same', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);

  await ada.say('Hello, is anybody here?');
  await lin.sees('Hello, is anybody here?');
  await lin.say('I am.');
  await ada.sees('I am.');
  await ada.say('Good.');

  for (const tab of [ada, lin]) await tab.seesAll(['Hello, is anybody here?', 'I am.', 'Good.'], 'stored');
});

test('an empty room says so until somebody writes', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  for (const tab of [ada, lin]) await expect(tab.page.getByText('No messages yet. Start chatting!')).toBeVisible();

  await ada.say('First');

  for (const tab of [ada, lin]) {
    await tab.sees('First');
    await expect(tab.page.getByText('No messages yet. Start chatting!')).toBeHidden();
  }
});

test('own messages stand on the right, those of others on the left', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.say('From Ada');
  await lin.sees('From Ada');
  await lin.say('From Lin');
  await ada.sees('From Lin');

  expect(await side(ada, 'From Ada')).toBe('right');
  expect(await side(ada, 'From Lin')).toBe('left');
  expect(await side(lin, 'From Ada')).toBe('left');
  expect(await side(lin, 'From Lin')).toBe('right');

  await lin.reload();
  expect(await side(lin, 'From Ada')).toBe('left');
  expect(await side(lin, 'From Lin')).toBe('right');
});

/** On which side of the log a bubble stands: the free space beside it decides. */
async function side(tab: Tab, text: string): Promise<'left' | 'right'> {
  const log = await tab.log.boundingBox();
  const bubble = await tab.row(text).locator('.bubble').boundingBox();
  if (log === null || bubble === null) throw new Error(`${text} is not painted`);
  const left = bubble.x - log.x;
  const right = log.x + log.width - (bubble.x + bubble.width);
  expect(Math.abs(left - right), 'the bubble leans to one side').toBeGreaterThan(log.width / 10);
  return left > right ? 'right' : 'left';
}

test('a bubble is at most 70 % of the log wide', async ({ room, newcomer }) => {
  const ada = await newcomer(room, { viewport: { width: 900, height: 700 } });
  const lin = await newcomer(room, { viewport: { width: 900, height: 700 } });
  const text = 'Quite a lot of words, and then some more of them. '.repeat(8).trim();
  await ada.say(text);

  for (const tab of [ada, lin]) {
    await tab.sees(text);
    const log = await tab.log.boundingBox();
    const bubble = await tab.row(text).locator('.bubble').boundingBox();
    expect(bubble?.width).toBeLessThanOrEqual((log?.width ?? 0) * 0.7 + 1);
  }
});

test('what two people write at the same time stands in one order for everybody', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = (name: string) => Array.from({ length: 10 }, (_, index) => `${name} ${index}`);

  await Promise.all([ada.say(...texts('Ada')), lin.say(...texts('Lin'))]);

  for (const tab of [ada, lin]) await expect(tab.log.locator('article[data-state="stored"]')).toHaveCount(20);
  const order = await ada.texts();
  await lin.seesAll(order);
  for (const name of ['Ada', 'Lin']) expect(order.filter((text) => text.startsWith(name))).toEqual(texts(name));
  const seqs = await ada.rows.evaluateAll((rows) => rows.map((row) => Number((row as HTMLElement).dataset.seq)));
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(new Set(seqs).size).toBe(20);

  const later = await newcomer(room);
  await later.seesAll(order);
});

test('Enter sends, and the field is empty and keeps the focus', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.click();
  await ada.page.keyboard.type('Hello');
  await ada.page.keyboard.press('Enter');

  await expect(ada.composer).toHaveValue('');
  await expect(ada.composer).toBeFocused();
  await ada.sees('Hello');
});

test('Shift and Enter start a new line', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.composer.click();
  await ada.page.keyboard.type('One');
  await ada.page.keyboard.press('Shift+Enter');
  await ada.page.keyboard.type('Two');
  await expect(ada.composer).toHaveValue('One\nTwo');
  await expect(ada.rows).toHaveCount(0);
  await ada.page.keyboard.press('Enter');

  for (const tab of [ada, lin]) {
    await tab.seesAll(['One\nTwo'], 'stored');
    const lines = await tab.bubbles.evaluate((bubble) => {
      const range = document.createRange();
      range.selectNodeContents(bubble);
      return new Set(Array.from(range.getClientRects(), (rect) => rect.top)).size;
    });
    expect(lines, 'lines on the screen').toBe(2);
  }
});

test('the button sends', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.fill('By hand');
  await ada.sendButton.click();

  await ada.sees('By hand');
  await expect(ada.composer).toHaveValue('');
});

test('nothing but white space is not sent', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('', '   ', '\n\n', '\u3000');
  await ada.composer.fill('');
  await ada.say('A word');

  await ada.seesAll(['A word'], 'stored');
  expect(ada.frames('sent', 'event:message')).toHaveLength(1);
});

test('Enter that ends a composition does not send', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const devtools = await ada.page.context().newCDPSession(ada.page);
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' };
  await ada.composer.evaluate((field) => {
    field.addEventListener('keydown', (event) => {
      field.dataset.composing = String((event as KeyboardEvent).isComposing);
    });
  });

  // Chromium: the key belongs to a composition that is still open.
  await ada.composer.focus();
  await devtools.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyDown', ...enter });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter });
  await expect(ada.composer).toHaveAttribute('data-composing', 'true');
  await devtools.send('Input.insertText', { text: '日本' });
  await expect(ada.composer).toHaveValue(/日本/);

  // Safari: the composition is over, and only the key code tells that an input method took the key.
  await ada.composer.evaluate((field) => {
    const key = { key: 'Enter', code: 'Enter', keyCode: 229, bubbles: true, cancelable: true };
    field.dispatchEvent(new KeyboardEvent('keydown', key));
  });

  await ada.composer.fill('日本');
  await ada.composer.press('Enter');
  await ada.seesAll(['日本'], 'stored');
  expect(ada.frames('sent', 'event:message')).toHaveLength(1);
});

test('a message is announced once, by a polite log', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await lin.page.evaluate(() => {
    const added: string[] = ((window as unknown as { added: string[] }).added = []);
    const log = document.querySelector('[role="log"]');
    const watch = new MutationObserver((changes) => {
      for (const node of changes.flatMap((change) => [...change.addedNodes])) {
        if (node instanceof HTMLElement && node.matches('article, article *')) added.push(node.textContent ?? '');
      }
    });
    if (log !== null) watch.observe(log, { childList: true, subtree: true });
  });

  await ada.say('Once');
  await lin.sees('Once');
  await ada.say('And once more');
  await lin.sees('And once more');

  const added = await lin.page.evaluate(() => (window as unknown as { added: string[] }).added);
  expect(added.filter((text) => text.includes('Once'))).toHaveLength(1);
  expect(added.filter((text) => text.includes('And once more'))).toHaveLength(1);
  expect(await lin.log.getAttribute('aria-live')).not.toBe('assertive');
});
