import { diagnosed } from '../../src/diagnose/diagnose.ts';
import { causesOf } from '../../src/engines/espota/causes/index.ts';
import type { OtaError } from '../../src/model/errors.ts';
import { observationsIn } from '../../src/model/observations.ts';

/** An error of espota with all that the diagnosis makes of it, the engine's own causes included, without a look around. */
export function diagnosedFully(error: OtaError, known: Parameters<typeof diagnosed>[1]): OtaError {
  return diagnosed(error, known, causesOf({ ...observationsIn(error), ...known }));
}
