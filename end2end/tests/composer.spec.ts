import { CONNECTION_REFUSED } from './support/calm.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

/** The line under the field. */
const below = (tab: Tab) => tab.page.getByRole('form', { name: 'New message' }).locator('.below');

test('every room keeps its own draft, over changes of rooms, reloads and a crash of the page', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.fill('Half a\nthought');
  await ada.enter(otherRoom);
  await expect(ada.composer).toHaveValue('');
  await ada.composer.fill('Another one');
  await ada.enter(room);
  await expect(ada.composer).toHaveValue('Half a\nthought');
  await ada.reload();
  await expect(ada.composer).toHaveValue('Half a\nthought');

  const again = await ada.another(otherRoom);
  await ada.page.close({ runBeforeUnload: false });
  await expect(again.composer).toHaveValue('Another one');
  await again.composer.press('Enter');
  await again.sees('Another one');
  await again.reload();
  await expect(again.composer).toHaveValue('');
});

test('leaving a page with a draft or with messages that wait does not warn: nothing is lost', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const ada = await newcomer(server.room('room1'));
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await ada.say('Waits');
  await ada.sees('Waits', 'sending');
  await ada.composer.fill('A draft');
  // A dialog would fail this test.
  const closed = ada.page.waitForEvent('close');
  await ada.page.close({ runBeforeUnload: true });
  await closed;
});

test('ArrowUp in an empty field brings back what I wrote, further with each press, and ArrowDown the other way', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'Not mine');
  const ada = await newcomer(room);
  await ada.say('First', 'Second\nwith two lines', 'Third');
  await ada.sees('Third');
  await ada.composer.focus();
  const press = async (key: string, text: string) => {
    await ada.page.keyboard.press(key);
    await expect(ada.composer).toHaveValue(text);
  };
  await press('ArrowDown', '');
  await press('ArrowUp', 'Third');
  await press('ArrowUp', 'Second\nwith two lines');
  await press('ArrowUp', 'First');
  await press('ArrowUp', 'First');
  await press('ArrowDown', 'Second\nwith two lines');
  await press('ArrowDown', 'Third');
  await press('ArrowDown', '');

  // What is written here is not replaced.
  await press('ArrowUp', 'Third');
  await ada.page.keyboard.type('!');
  await press('ArrowUp', 'Third!');
  await ada.composer.press('Enter');
  await ada.sees('Third!');
  await ada.reload();
  await ada.composer.focus();
  await press('ArrowUp', 'Third!');
});

test('what was sent cannot be taken back, and the page says so when somebody tries', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('Oh no');
  await ada.sees('Oh no');
  await ada.page.keyboard.press('Control+z');
  const note = below(ada).getByRole('status');
  await expect(note).toHaveText('What was sent cannot be taken back.');
  await ada.page.keyboard.type('S');
  await expect(note).toHaveText('');
  await ada.sees('Oh no');
});

test('characters are counted from 4,500 on, and more than 5,000 are not sent', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const count = below(ada).locator('.count');
  await ada.composer.fill('🌙'.repeat(4_499));
  await expect(count).toHaveCount(0);
  await ada.composer.press('End');
  await ada.page.keyboard.type('x');
  await expect(count).toHaveText('4,500 of 5,000');
  await ada.composer.fill('🌙'.repeat(5_000));
  await expect(count).toHaveText('5,000 of 5,000');
  await expect(ada.sendButton).toHaveAttribute('aria-disabled', 'false');
  await ada.composer.fill(`${'🌙'.repeat(5_000)}xy`);
  await expect(count).toHaveText('2 too many');
  await expect(ada.composer).toHaveAttribute('aria-invalid', 'true');
  await expect(ada.sendButton).toHaveAttribute('aria-disabled', 'true');
  await ada.sendButton.click({ force: true });
  await expect(ada.rows).toHaveCount(0);
  await ada.composer.fill('Short');
  await expect(count).toHaveCount(0);
});

for (const [browser, native] of [['', true], [', also in a browser whose styles cannot do that', false]] as const) {
  test(`the field grows with its text up to 40 % of the height, then it scrolls, and the log keeps its end${browser}`, async ({ room, newcomer }) => {
    await write(room, 'Lin', ...Array.from({ length: 40 }, (_, index) => `Line ${index}`));
    const ada = await newcomer(room, { viewport: { width: 1280, height: 800 } });
    if (!native) await forgetFieldSizing(ada);
    const height = () => ada.composer.evaluate((field) => field.getBoundingClientRect().height);
    const one = await height();
    await ada.composer.fill('1\n2\n3');
    await expect.poll(height).toBeGreaterThan(1.8 * one);
    const three = await height();
    await expect(ada.row('Line 39')).toBeInViewport({ ratio: 1 });
    await ada.composer.fill('line\n'.repeat(60));
    await expect.poll(height).toBeGreaterThan(three);
    expect(await height()).toBeLessThanOrEqual(0.4 * 800);
    expect(await ada.composer.evaluate((field) => field.scrollHeight > field.clientHeight)).toBe(true);
    await expect(ada.row('Line 39')).toBeInViewport({ ratio: 1 });
    await ada.composer.pressSequentially('and on');
    await expect(ada.row('Line 39')).toBeInViewport({ ratio: 1 });
    await expect(ada.pill).toBeHidden();
    await ada.composer.fill('');
    await expect.poll(height).toBeCloseTo(one, 0);
  });
}

/** As if the browser had never heard of fields that take the size of their text. */
async function forgetFieldSizing(tab: Tab): Promise<void> {
  await tab.composer.evaluate((field) => {
    field.style.setProperty('field-sizing', 'fixed');
    const get = CSSStyleDeclaration.prototype.getPropertyValue;
    CSSStyleDeclaration.prototype.getPropertyValue = function (name) {
      return name === 'field-sizing' ? '' : get.call(this, name);
    };
  });
}

test('a long text that is pasted is there whole, and can be sent', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const text = Array.from({ length: 100 }, (_, index) => `${index}: a line of a long paste — with “signs”, 日本語 and 🌙`).join('\n').slice(0, 4_990).trim();
  await ada.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ada.page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await ada.composer.focus();
  await ada.page.keyboard.press('Control+v');
  await expect(ada.composer).toHaveValue(text);
  await ada.page.keyboard.press('Enter');
  await ada.sees(text);
});

test('who writes too fast sees for how long, keeps what is written, and all of it arrives in order', async ({ startServer, newcomer }) => {
  const server = await startServer({ env: { SPHERE_RATE_PER_SECOND: '1', SPHERE_RATE_BURST: '1' } });
  const room = server.room('room1');
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = ['One', 'Two', 'Three', 'Four', 'Five'];
  await ada.say(...texts);
  const note = below(ada).getByRole('status');
  await expect(note).toHaveText(/^Too fast: sending goes on in [1-9]\d* s$/);
  await ada.composer.fill('Meanwhile');
  await expect(ada.log.locator('article[data-state="refused"]')).toHaveCount(0);

  await lin.seesAll(texts, 'stored');
  await ada.seesAll(texts, 'stored');
  await expect(note).toHaveText('');
  await expect(ada.composer).toHaveValue('Meanwhile');
});

test('messages that wait for the connection are counted under the field', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.page.context().setOffline(true);
  await ada.say('One');
  const note = below(ada).getByRole('status');
  await expect(note).toHaveText('1 message waits for the connection');
  await ada.say('Two');
  await expect(note).toHaveText('2 messages wait for the connection');
  await ada.page.context().setOffline(false);
  await ada.seesAll(['One', 'Two'], 'stored');
  await expect(note).toHaveText('');
});
