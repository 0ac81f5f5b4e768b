import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

const CODE = '```rust\nlet **a** = 1;\n\n  b\n```';

test('marks make text bold, italic, struck and code, live and on the page from the server', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.say('**bold** and _italic_, ~~struck~~, `let **a**` and __proto__', '2 * 3 * 4, snake_case_name, **open');
  for (const tab of [ada, lin, await (await newcomer(room)).reload()]) {
    await tab.seesAll(['bold and italic, struck, let **a** and proto', '2 * 3 * 4, snake_case_name, **open'], 'stored');
    const [first, second] = [tab.bubbles.nth(0), tab.bubbles.nth(1)];
    await expect(first.locator('strong')).toHaveText(['bold', 'proto']);
    await expect(first.locator('em')).toHaveText('italic');
    await expect(first.locator('s')).toHaveText('struck');
    await expect(first.locator('code')).toHaveText('let **a**');
    await expect(second.locator('*')).toHaveCount(0);
  }
});

test('quotes, lists and line breaks stand as they were meant', async ({ room, newcomer }) => {
  await write(room, 'Lin', '> said\n> before\n\nMy list:\n- one\n- two\n  - deeper\n\n3. three\n4. four\nlast\nline');
  const ada = await newcomer(room);
  const bubble = ada.bubbles.first();
  await expect(bubble.locator('blockquote')).toHaveText('said\nbefore', { useInnerText: true });
  await expect(bubble.locator(':scope > ul > li')).toHaveCount(2);
  await expect(bubble.locator('ul ul li')).toHaveText('deeper');
  expect(await bubble.locator('ol > li').evaluateAll((items) => items.map((item) => (item as HTMLLIElement).value))).toEqual([3, 4]);
  await expect(bubble).toHaveText(/last\nline$/, { useInnerText: true });
});

test('what is no feature stays as it was typed', async ({ room, newcomer }) => {
  const texts = ['# heading', '| a | b |\n|---|---|', '![alt](x.png)', '<b>no</b> &amp;', '¯\\_(ツ)_/¯', '    four spaces'];
  const ada = await newcomer(room);
  await ada.say(...texts);
  await ada.seesAll(texts, 'stored');
  await expect(ada.bubbles.locator('*')).toHaveCount(0);
});

for (const where of ['127.0.0.1', 'lan.test']) {
  test(`code is copied with its button on ${where}`, async ({ room, newcomer, calm }) => {
    calm.expect(/^The Cross-Origin-Opener-Policy header has been ignored/);
    await write(room, 'Lin', CODE);
    const ada = await newcomer({ ...room, origin: room.origin.replace('127.0.0.1', where) });
    const bubble = ada.bubbles.first();
    await expect(bubble.locator('pre')).toHaveText('let **a** = 1;\n\n  b', { useInnerText: true });
    await expect(bubble).toContainText('rust');
    await bubble.getByRole('button', { name: 'Copy' }).press('Enter');
    await expect(bubble.getByRole('button', { name: 'Copied' })).toBeVisible();
    await ada.composer.press('Control+v');
    await expect(ada.composer).toHaveValue('let **a** = 1;\n\n  b');
  });
}

test('a labelled link says where it leads and gives nothing away', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('[https://bank.example](https://user@evil.example/x) [mail](mailto:a@b.example) [no](javascript:alert(1))');
  const links = ada.bubbles.first().getByRole('link');
  await expect(links).toHaveText(['https://bank.example', 'mail']);
  await expect(ada.bubbles.first()).toContainText('https://bank.example (evil.example) mail (a@b.example) [no](javascript:alert(1))');
  await expect(links.first()).toHaveAttribute('href', 'https://user@evil.example/x');
  await expect(links.first()).toHaveAttribute('target', '_blank');
  for (const link of await links.all()) await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow');
});

test('a spoiler is hidden until somebody wants to see it', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'The end: ||the *butler*, see https://example.org/||.');
  const ada = await newcomer(room);
  const bubble = ada.bubbles.first();
  const button = bubble.getByRole('button', { name: 'Spoiler' });
  await expect(button).toHaveAttribute('aria-expanded', 'false');
  await expect(bubble.getByText('butler')).toBeHidden();
  await expect(bubble.getByRole('link')).toHaveCount(0);
  await button.press('Enter');
  await expect(button).toHaveAttribute('aria-expanded', 'true');
  await expect(bubble.getByText('butler')).toBeVisible();
  await expect(bubble.getByRole('link')).toHaveCount(1);
  await button.press(' ');
  await expect(bubble.getByText('butler')).toBeHidden();
  await bubble.locator('.spoiler').click();
  await expect(bubble.getByText('butler')).toBeVisible();
});

test('a message of nothing but emoji is large', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('👩‍🚀🏳️‍🌈 🇪🇺', 'Hi 👋', '123');
  await ada.seesAll(['👩‍🚀🏳️‍🌈 🇪🇺', 'Hi 👋', '123'], 'stored');
  const sizes = await ada.bubbles.evaluateAll((bubbles) => bubbles.map((bubble) => parseFloat(getComputedStyle(bubble).fontSize)));
  expect(sizes).toEqual([34, 15, 15]);
});
