// How soon the own message is painted, and whether the answer moves it: measured in the page, with the browser's own clock.

export interface Echo {
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

/** Runs in the page. */
export function measure(): void {
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
