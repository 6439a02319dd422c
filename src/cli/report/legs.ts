/** Legs as lines for a person. Pure. */

import type { Leg } from '../../doctor/leg.ts';
import { styled } from '../terminal/color.ts';
import { printableLines } from '../../model/printable.ts';

const marks = { ok: '✓', warning: '!', failed: '✗' } as const;
const colours = { ok: 'green', warning: 'yellow', failed: 'red' } as const;
/** Of the longest name, `connect-back port`. */
const nameWidth = 17;

/** `✓ name               livingroom.local is 192.0.2.7, over mDNS in 12 ms`; what to do stands below it. */
export function legLines({ leg, status, text, hint, code }: Leg, isColoured: boolean): readonly string[] {
  const mark = styled(marks[status], colours[status], isColoured);
  const facts = printableLines(code === undefined ? text : `${code}: ${text}`);
  const indent = ' '.repeat(nameWidth + 4);
  const cures =
    hint === undefined
      ? []
      : printableLines(hint)
          .split('\n')
          .map((line, index) => `${indent}${index === 0 ? '→' : ' '} ${line}`);
  return [`${mark} ${leg.padEnd(nameWidth + 2)}${facts}`, ...cures];
}
