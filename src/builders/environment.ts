/**
 * The environment of a build tool: the caller's, without otarc's passwords, and with a word on colours.
 *
 * Tools colour what goes to a terminal, and otarc reads their output through a pipe: so otarc says what is at its end. pio
 * looks at PLATFORMIO_FORCE_ANSI; arduino-cli colours everything unless NO_COLOR is set; FORCE_COLOR and CLICOLOR_FORCE
 * are for the programs behind `command`. What the caller has set stays.
 */

import { childEnvironment } from '../model/child-environment.ts';
export function toolEnvironment(env: NodeJS.ProcessEnv, isTerminal: boolean): NodeJS.ProcessEnv {
  return {
    ...colours(env, isTerminal),
    ...childEnvironment(env, { secretVariables: [], texts: [] }),
    // a hook of the same project, run by this very build, sees that a deploy is under way and steps back
    OTARC_SESSION: String(process.pid),
  };
}

function colours(env: NodeJS.ProcessEnv, isTerminal: boolean): NodeJS.ProcessEnv {
  const { NO_COLOR: noColor, FORCE_COLOR: forceColor } = env;
  if (noColor !== undefined && noColor !== '') return {};
  if (forceColor === '0' || forceColor === 'false') return {};
  if (forceColor !== undefined || (isTerminal && env['TERM'] !== 'dumb')) {
    return { PLATFORMIO_FORCE_ANSI: 'true', FORCE_COLOR: '1', CLICOLOR_FORCE: '1' };
  }
  return { NO_COLOR: '1' };
}
