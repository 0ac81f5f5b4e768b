import { expect, test } from './support/test.ts';

const ECHO_MS = 50;
const TRIES = 9;

interface Echo {
  /** From the key press to the frame after the one that has the row. */
  painted: number;
  /** Whether the field was empty and had the focus by then. */
  cleared: boolean;
}

declare global {
  interface Window {
    echo: (text: string) => Promise<Echo>;
    follow: (text: string) => { ended: Promise<{ sameRow: boolean; moved: number; frames: number }> };
    following: { sameRow: boolean; moved: number; frames: number } | undefined;
  }
}

/** Runs in the page: measures with the browser's own clock. */
function measure(): void {
  const rowOf = (text: string) =>
    [...document.querySelectorAll<HTMLElement>('article.msg')].find((row) => row.querySelector('.bubble')?.textContent === text);

  window.echo = (text) =>
    new Promise((resolve) => {
      let pressed = 0;
      const onKey = (event: KeyboardEvent) => {
        if (event.key === 'Enter') pressed = event.timeStamp;
      };
      addEventListener('keydown', onKey, { capture: true, once: true });
      const look = () => {
        if (rowOf(text) === undefined) return;
        rows.disconnect();
        // The row is painted with the frame that this callback begins; the message behind it comes after the paint.
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            const field = document.querySelector('textarea');
            resolve({ painted: performance.now() - pressed, cleared: field?.value === '' && document.activeElement === field });
          };
          port2.postMessage(null);
        });
      };
      const rows = new MutationObserver(look);
      rows.observe(document.body, { childList: true, subtree: true, characterData: true });
    });

  window.follow = (text) => {
    const row = rowOf(text);
    if (row === undefined) throw new Error(`there is no row ${text}`);
    const top = row.getBoundingClientRect().top;
    let moved = 0;
    let frames = 0;
    let after = 5;
    const ended = new Promise<{ sameRow: boolean; moved: number; frames: number }>((resolve) => {
      const look = () => {
        moved = Math.max(moved, Math.abs(row.getBoundingClientRect().top - top));
        frames += 1;
        if (rowOf(text)?.dataset.state === 'stored' && --after === 0) resolve({ sameRow: rowOf(text) === row && row.isConnected, moved, frames });
        else requestAnimationFrame(look);
      };
      look();
    });
    return { ended };
  };
}

test('with 2 s of added latency the own row is painted within 50 ms', async ({ room, newcomer, proxyOf }) => {
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  await ada.say('Warm');
  await ada.sees('Warm');
  await ada.page.evaluate(measure);
  proxy.delay = 1_000;

  const echoes: Echo[] = [];
  for (let index = 0; index < TRIES; index++) {
    const text = `Message ${index}`;
    await ada.composer.fill(text);
    const echo = ada.page.evaluate((text) => window.echo(text), text);
    await ada.page.evaluate(() => new Promise(requestAnimationFrame));
    await ada.page.keyboard.press('Enter');
    echoes.push(await echo);
    await ada.sees(text, 'sending');
  }

  const times = echoes.map((echo) => echo.painted).toSorted((a, b) => a - b);
  const median = times[Math.floor(TRIES / 2)] ?? Infinity;
  test.info().annotations.push({ type: 'key press to painted row', description: `median ${median.toFixed(1)} ms of ${times.map((ms) => ms.toFixed(1)).join(', ')}` });
  expect(median).toBeGreaterThan(0);
  expect(median, 'median in ms').toBeLessThanOrEqual(ECHO_MS);
  expect(echoes.map((echo) => echo.cleared)).toEqual(Array(TRIES).fill(true));
  proxy.delay = 0;
  await expect(ada.log.locator('article[data-state="stored"]')).toHaveCount(TRIES + 1);
});

test('the answer completes the same row and does not move it', async ({ room, newcomer, proxyOf }) => {
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  await ada.say('Before');
  await ada.sees('Before');
  await ada.page.evaluate(measure);
  proxy.delay = 1_000;

  await ada.say('Watched');
  await ada.sees('Watched', 'sending');
  const rows = await ada.rows.count();
  const watched = await ada.page.evaluate((text) => window.follow(text).ended, 'Watched');

  expect(watched.sameRow, 'the same element').toBe(true);
  expect(watched.moved, 'pixels moved').toBe(0);
  expect(watched.frames, 'frames looked at').toBeGreaterThan(20);
  await expect(ada.rows).toHaveCount(rows);
  await ada.seesAll(['Before', 'Watched'], 'stored');
});
