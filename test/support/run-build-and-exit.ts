/** Starts a build that would take ten minutes, and calls `process.exit` in the middle of it. Argument: an empty folder. */

import { join } from 'node:path';
import { build } from '../../src/builders/build.ts';
import { firmwareOf, recordedContext } from './build-context.ts';

const dir = process.argv[2] ?? '';
const context = recordedContext(process.env);
const command = ['sh', '-c', 'sleep 600 & echo started; wait'];
void build(firmwareOf(dir, { command, image: join(dir, 'image.bin') }), context);
await context.waitFor(/started/);
process.exit(5);
