/** Whose word counts for what a device runs. */

import { describe, expect, it } from 'vitest';
import { sumSaidAt } from '../../../src/deploy/already-runs.ts';
import type { Announcement } from '../../../src/model/announcement.ts';

const [own, other] = ['1'.repeat(32), '2'.repeat(32)];
const there = '192.0.2.7';

const announced = ({
  texts = [{ sender: there, md5: own }],
  ...more
}: Partial<Omit<Announcement, 'texts'>> & {
  texts?: readonly { sender: string; md5?: string }[];
} = {}): Announcement => ({
  name: 'hall',
  host: 'hall.local',
  addresses: [there],
  port: 8266,
  service: '_arduino._tcp',
  txt: { md5: own },
  texts: texts.map(({ sender, md5 }) => ({ sender, txt: md5 === undefined ? {} : { md5 } })),
  heardAtMs: 0,
  incarnation: 'run 1',
  ...more,
});

const named = { name: 'hall', host: 'hall.local', interfaces: [] };
const configured = { name: 'hall', host: there, port: 8266, interfaces: [] };
const target = { address: there, port: 8266 };

describe('the sum that a device says', () => {
  it.each([
    ['said by itself', [announced()], own],
    ['said by nobody', [], undefined],
    ['not said, as its sketch has none', [announced({ texts: [{ sender: there }] })], undefined],
    ['said by somebody else alone', [announced({ texts: [{ sender: '192.0.2.9', md5: own }] })], undefined],
    [
      'repeated by somebody else',
      [
        announced({
          texts: [
            { sender: '192.0.2.9', md5: own },
            { sender: there, md5: own },
          ],
        }),
      ],
      own,
    ],
    [
      'contradicted by somebody else',
      [
        announced({
          texts: [
            { sender: there, md5: own },
            { sender: '192.0.2.9', md5: other },
          ],
        }),
      ],
      undefined,
    ],
    ['of another port', [announced({ port: 3232 })], undefined],
    ['of another address', [announced({ addresses: ['192.0.2.8'] })], undefined],
  ])('%s', (_, heard, sum) => {
    expect(sumSaidAt(heard, named, target)).toBe(sum);
  });

  it('does not count where two have its name', () => {
    const second = announced({ addresses: ['192.0.2.8'] });
    expect(sumSaidAt([announced(), second], named, target)).toBeUndefined();
  });

  it('counts for an address under whatever name, unless the name is announced elsewhere', () => {
    const heard = announced({ name: 'lamp', host: 'lamp.local' });
    expect(sumSaidAt([heard], configured, target)).toBe(own);
    const elsewhere = announced({ addresses: ['192.0.2.8'] });
    expect(sumSaidAt([heard, elsewhere], configured, target)).toBeUndefined();
  });
});
