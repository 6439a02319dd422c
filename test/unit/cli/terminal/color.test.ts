import { expect, it } from 'vitest';
import { colorOf, isColored, styled } from '../../../../src/cli/terminal/color.ts';

const [terminal, pipe] = [{ isTTY: true }, {}];

it.each([
  [{}, undefined, { terminal: true, pipe: false }],
  [{ TERM: 'xterm' }, undefined, { terminal: true, pipe: false }],
  [{ TERM: 'dumb' }, undefined, { terminal: false, pipe: false }],
  [{ NO_COLOR: '1' }, undefined, { terminal: false, pipe: false }],
  [{ NO_COLOR: '' }, undefined, { terminal: true, pipe: false }],
  [{ FORCE_COLOR: '1' }, undefined, { terminal: true, pipe: true }],
  [{ FORCE_COLOR: '' }, undefined, { terminal: true, pipe: true }],
  [{ FORCE_COLOR: '0' }, undefined, { terminal: false, pipe: false }],
  [{ FORCE_COLOR: 'false' }, undefined, { terminal: false, pipe: false }],
  [{ FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, undefined, { terminal: true, pipe: true }],
  [{ FORCE_COLOR: '1' }, false, { terminal: false, pipe: false }],
  [{}, true, { terminal: true, pipe: false }],
])('with %j and the flag %s, output is coloured as %j', (env, flag, expected) => {
  const choice = colorOf(env, flag);
  expect({ terminal: isColored(choice, terminal), pipe: isColored(choice, pipe) }).toEqual(expected);
});

it('a style is on only where there are colours', () => {
  expect(styled('text', 'red', true)).toBe('\u001B[31mtext\u001B[39m');
  expect(styled('text', 'red', false)).toBe('text');
  expect(styled('text', undefined, true)).toBe('text');
});
