// Somebody who reads: scrolls through the log and notices what stands there, and whether it jumps.

import type { Tab } from './tab.ts';

/** At most so many rows are in the page, however long the room is. */
export const DRAWN = 120;

export interface Walk {
  /** The texts that were in view, from the oldest to the newest. */
  texts: string[];
  /** The most rows that were in the page at once. */
  rows: number;
  /** What stood where it must not: twice, or below something newer. */
  disorder: string[];
}

/** Scrolls to the first or the last message, and looks at everything on the way. */
export async function scrollThrough(tab: Tab, way: 'up' | 'down', patience = 25_000): Promise<Walk> {
  const walk = await tab.log.evaluate(
    async (log, { way, patience }) => {
      const seen = new Map<number, string>();
      const disorder: string[] = [];
      let rows = 0;
      let arrived = 0;
      const deadline = performance.now() + patience;
      const look = () => {
        const { top, bottom } = log.getBoundingClientRect();
        const drawn = [...log.querySelectorAll<HTMLElement>('[data-id]')];
        rows = Math.max(rows, drawn.length);
        let last = -1;
        for (const row of drawn) {
          const seq = Number(row.dataset.seq);
          const text = row.querySelector('.bubble')?.textContent ?? '';
          if (seq <= last) disorder.push(`${text} stands below ${last}`);
          last = seq;
          const box = row.getBoundingClientRect();
          if (box.bottom > top && box.top < bottom) seen.set(seq, text);
        }
      };
      let [known, idle] = [0, 0];
      // At the first message there is no way further up, or it leads nowhere for a second.
      const isThere = () => {
        if (way === 'down') {
          return log.scrollTop + log.clientHeight >= log.scrollHeight - 1 && log.parentElement?.querySelector('.pill')?.hasAttribute('hidden') === true;
        }
        const older = log.querySelector<HTMLButtonElement>('.older');
        idle = log.scrollTop > 0 || older?.disabled === true || seen.size > known ? 0 : idle + 1;
        known = seen.size;
        return log.scrollTop <= 0 && (older === null || idle > 30);
      };
      // What is not loaded comes before it is reached: who reads does not pass it.
      const isMissing = () => {
        const { top, bottom } = log.getBoundingClientRect();
        return [...log.querySelectorAll('.hole')].some((hole) => {
          const box = hole.getBoundingClientRect();
          return box.bottom > top - 550 && box.top < bottom + 550;
        });
      };
      look();
      while (arrived < 5) {
        if (performance.now() > deadline) throw new Error(`stuck at ${log.scrollTop} of ${log.scrollHeight}, ${seen.size} messages seen`);
        log.scrollBy(0, (way === 'up' ? -0.7 : 0.7) * log.clientHeight);
        do {
          for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
          look();
        } while (isMissing() && performance.now() < deadline);
        arrived = isThere() ? arrived + 1 : 0;
      }
      const texts = [...seen].toSorted(([a], [b]) => a - b).map(([, text]) => text);
      return { texts, rows, disorder };
    },
    { way, patience },
  );
  return walk;
}

export interface Stand {
  /** How far the message moved on the screen, at most. */
  moved: number;
  /** How many painted frames were looked at. */
  frames: number;
  /** The most rows that were in the page at once. */
  rows: number;
  /** The first row in the page when the watch began and when it ended. */
  first: (string | undefined)[];
  /** Whether the message is still in the page. */
  there: boolean;
}

declare global {
  interface Window {
    stand: (() => Stand) | undefined;
  }
}

/**
 * Scrolls to a place, picks the first message that is whole in view, and watches from then on where it stands in every frame
 * that is painted.
 */
export async function stand(tab: Tab, top: number): Promise<void> {
  await tab.log.evaluate(async (log, top) => {
    log.scrollTop = top;
    // Nobody scrolls and does something else within one frame.
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    const edge = () => log.getBoundingClientRect().top;
    const all = () => [...log.querySelectorAll<HTMLElement>('[data-id]')];
    const message = all().find((row) => row.getBoundingClientRect().top >= edge());
    if (message === undefined) throw new Error('no message is in view');
    const place = () => message.getBoundingClientRect().top - edge();
    const [from, first] = [place(), all()[0]?.dataset.id];
    let [moved, frames, rows, over] = [0, 0, 0, false];
    // Size observers are called behind layout and before paint: what they see is what is painted.
    const probe = document.createElement('i');
    probe.style.position = 'fixed';
    document.body.append(probe);
    const observer = new ResizeObserver(() => {
      if (message.isConnected) moved = Math.max(moved, Math.abs(place() - from));
      rows = Math.max(rows, all().length);
      frames += 1;
    });
    observer.observe(probe);
    const next = () => {
      if (over) return;
      probe.style.width = `${1 + (frames % 2)}px`;
      requestAnimationFrame(next);
    };
    next();
    window.stand = () => {
      over = true;
      observer.disconnect();
      probe.remove();
      return { moved, frames, rows, first: [first, all()[0]?.dataset.id], there: message.isConnected };
    };
  }, top);
}

/** What was watched since {@link stand}. */
export async function stood(tab: Tab): Promise<Stand> {
  return tab.page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    const end = window.stand;
    if (end === undefined) throw new Error('nothing was watched');
    return end();
  });
}

/** Where the log stands. */
export async function position(tab: Tab): Promise<{ top: number; bottom: number }> {
  return tab.log.evaluate((log) => ({ top: log.scrollTop, bottom: log.scrollHeight - log.scrollTop - log.clientHeight }));
}

/** Scrolls up by so many pixels, as a wheel does. */
export async function scrollUp(tab: Tab, pixels: number): Promise<void> {
  await tab.log.hover();
  await tab.page.mouse.wheel(0, -pixels);
}
