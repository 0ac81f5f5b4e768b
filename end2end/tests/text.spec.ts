import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

/** Each of these did harm somewhere. Whoever runs one calls `pwned`. */
const PAYLOADS = [
  '<script>pwned()</script>',
  '</script><script>pwned()</script>',
  '<!--<script>',
  '<img src=x onerror=pwned()>',
  '"><img src=//evil.example/x onerror=pwned()>',
  "' onmouseover='pwned()",
  '<svg onload=pwned()>',
  '<iframe src="javascript:parent.pwned()"></iframe>',
  '<iframe src=//evil.example></iframe>',
  '<a href="javascript:pwned()">click</a>',
  '<style>@import "//evil.example/x.css"; * { display: none }</style>',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<base href=//evil.example>',
  '<form action=//evil.example><button>Send</button></form>',
  '</textarea></article></main></body></html>',
  '<template><p>gone</p></template>',
  '<![CDATA[ x ]]>',
  '&lt;b&gt; &amp; &#60;script&#62;',
  '\\u003cscript\\u003epwned()\\u003c/script\\u003e',
  '{{constructor.constructor("pwned()")()}} ${pwned()}',
  'constructor toString valueOf',
  'line\u2028separator\u2029paragraph',
  '[x](javascript:pwned()) [x](data:text/html,pwned())',
  '![x](x onerror=pwned())',
];

test('HTML stays text, live and on the page from the server', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  for (const tab of [ada, lin]) {
    await tab.page.context().addInitScript(() => Object.assign(window, { pwned: () => Object.assign(window, { harmed: true }) }));
    await tab.reload();
  }

  await ada.say(...PAYLOADS);

  for (const tab of [ada, lin]) {
    await tab.seesAll(PAYLOADS, 'stored');
    await tab.reload();
    await tab.seesAll(PAYLOADS, 'stored');
    expect(await tab.bubbles.locator('script, img, svg, iframe, style, link, meta, base, form').count()).toBe(0);
    expect(await tab.bubbles.locator('a').count(), 'links in the payloads').toBe(0);
    expect(await tab.page.evaluate(() => 'harmed' in window)).toBe(false);
    await expect(tab.heading).toBeVisible();
    await expect(tab.composer).toBeVisible();
  }
});

test('a name stays text, too', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const name = '<img src=x onerror=alert(1)>';
  await ada.rename(name);
  await ada.say('Hello');
  await lin.sees('Hello');
  for (const tab of [lin, await lin.reload()]) {
    await expect(tab.row('Hello')).toContainText(name);
    await expect(tab.row('Hello').locator('img[src="x"]')).toHaveCount(0);
  }
});

test('web and mail addresses are links that give nothing away', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const text = 'See https://example.org/a_(b)?c=d#e, http://example.net: or mailto:ada@example.org.';
  await ada.say(text);

  for (const tab of [ada, lin, await (await newcomer(room)).reload()]) {
    await tab.sees(text);
    const links = tab.row(text).locator('.bubble').getByRole('link');
    await expect(links).toHaveText(['https://example.org/a_(b)?c=d#e', 'http://example.net', 'mailto:ada@example.org']);
    for (const [index, href] of ['https://example.org/a_(b)?c=d#e', 'http://example.net', 'mailto:ada@example.org'].entries()) {
      await expect(links.nth(index)).toHaveAttribute('href', href);
      await expect(links.nth(index)).toHaveAttribute('rel', /\bnoopener\b/);
    }
  }
});

test('addresses that run something stay text', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const texts = [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//https',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https',
    'https:// nothing',
  ];
  await ada.say(...texts);
  await ada.seesAll(texts, 'stored');
  await expect(ada.bubbles.locator('a')).toHaveCount(0);
});

const LONG = [
  ['a long word', 'Donaudampfschifffahrt'.repeat(60)],
  ['a long address', `https://example.org/${'path'.repeat(200)}`],
  ['a long line without spaces in another script', '長い言葉'.repeat(200)],
] as const;

for (const [what, text] of LONG) {
  test(`${what} wraps`, async ({ room, newcomer }) => {
    const ada = await newcomer(room);
    const lin = await newcomer(room);
    await ada.say(text);
    for (const tab of [ada, lin]) {
      await tab.sees(text);
      for (const width of [1280, 390, 320]) {
        await tab.page.setViewportSize({ width, height: 800 });
        const overflow = await tab.log.evaluate((log) => log.scrollWidth - log.clientWidth);
        expect(overflow, `overflow at ${width} px`).toBeLessThanOrEqual(0);
      }
    }
  });
}

test('text from right to left begins on the right', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = ['שלום לכולם', 'مرحبا بالجميع', 'From left to right'];
  await ada.say(...texts);
  await lin.seesAll(texts, 'stored');
  const directions = await lin.bubbles.evaluateAll((bubbles) => bubbles.map((bubble) => getComputedStyle(bubble).direction));
  expect(directions).toEqual(['rtl', 'rtl', 'ltr']);
});

test('every character arrives as it was written', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = [
    '🌙✨👩‍🚀🏳️‍🌈🇪🇺',
    'é (composed) é (two characters)',
    'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L',
    'tab\there,  two spaces,   three',
    '  leading and trailing  ',
    '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff}',
    '\ufeffbyte order mark',
    'null-ish: null undefined NaN "" \\0 \\n',
  ];
  await ada.say(...texts);
  for (const tab of [ada, lin, await newcomer(room)]) await tab.seesAll(texts, 'stored');
});

test('5,000 characters arrive', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = ['word '.repeat(1000).trimEnd().padEnd(5000, '.'), '🌙'.repeat(5000)];
  await ada.say(...texts);
  for (const tab of [ada, lin]) await tab.seesAll(texts, 'stored');
});

test('5,001 characters are refused before anything is sent, and nothing is lost', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const text = 'x'.repeat(5001);
  await ada.say(text);

  await expect(ada.composer).toHaveValue(text);
  await expect(ada.composer).toHaveAttribute('aria-invalid', 'true');
  await expect(ada.page.getByRole('form', { name: 'New message' })).toContainText('1 too many');
  await expect(ada.rows).toHaveCount(0);
  expect(ada.frames('sent', 'event:message')).toHaveLength(0);

  await ada.composer.press('Backspace');
  await ada.composer.press('Enter');
  await ada.seesAll([text.slice(1)], 'stored');
});

test('a message names its author and its time', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'With a time');
  const ada = await newcomer(room);
  await expect(ada.row('With a time')).toContainText('Lin');
  const time = ada.row('With a time').locator('time');
  const at = await time.getAttribute('datetime');
  expect(Math.abs(Date.now() - Date.parse(at ?? ''))).toBeLessThan(60_000);
  const clock = new Date(at ?? '').toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' });
  await expect(time).toHaveText(clock);
  await expect(ada.log.getByRole('heading', { level: 2, name: 'Today' })).toBeVisible();
});
