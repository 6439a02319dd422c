/** The causes that only espota knows: from what was observed to findings. Pure; loaded when a push has failed. */

import type { Finding } from '../../../model/finding.ts';
import type { Observations } from '../../../model/observations.ts';
import { answered, foreignImage } from '../../updater-answers.ts';
import * as connectBack from './connect-back.ts';
import * as hashes from './hashes.ts';
import * as noAnswer from './no-answer.ts';

const rules = [
  answered,
  foreignImage,
  ...[connectBack, hashes, noAnswer].flatMap((part) => Object.values(part)),
];

export function causesOf(observed: Observations): readonly Finding[] {
  return rules.map((rule) => rule(observed)).filter((finding) => finding !== undefined);
}
