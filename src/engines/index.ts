/** The engines, by the name that `engine:` of a device gives. */

import type { EngineName } from '../model/types.ts';
import type { Engine } from './engine.ts';
import { espota } from './espota/index.ts';

/** espota is in every push; another engine is loaded when a device asks for it. */
const engines: Readonly<Record<EngineName, () => Engine | Promise<Engine>>> = { espota: () => espota };

export async function engineOf({ engine }: { readonly engine: EngineName }): Promise<Engine> {
  return engines[engine]();
}
