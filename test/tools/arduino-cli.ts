import { join } from 'node:path';
import { install, isStamped, makeStamped, onPath, type Part } from './part.ts';

/** The newest that the Go module proxy serves: later tags have a module path that is not their repository's. */
const version = '1.0.4';
const modulePath = 'github.com/arduino/arduino-cli';

/** arduino-cli, built from its Go module. `go install` refuses it, and would leave the version out. */
export const arduinoCli: Part = {
  async provide(toolsDir) {
    if (hasArduinoCli(toolsDir)) return;
    if (onPath('go') === '')
      throw new Error('arduino-cli is built by Go, which was not found: install Go 1.22 or newer.');
    const folder = arduinoCliFolder(toolsDir);
    await makeStamped(folder, version, async () => {
      const env = { GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
      const download = ['go', 'mod', 'download', '-json', `${modulePath}@v${version}`] as const;
      const answer: unknown = JSON.parse(
        await install(`arduino-cli ${version}: its source`, download, { env }),
      );
      const source = sourceDir(answer);
      const flags = `-s -w -X ${modulePath}/version.versionString=${version}`;
      const target = join(folder, 'arduino-cli');
      const build = ['go', 'build', '-C', source, '-trimpath', '-ldflags', flags, '-o', target, '.'] as const;
      await install(`arduino-cli ${version}: go build (a minute or two)`, build, { env });
    });
  },
};

export function hasArduinoCli(toolsDir: string): boolean {
  return isStamped(arduinoCliFolder(toolsDir), version);
}

export function arduinoCliFolder(toolsDir: string): string {
  return join(toolsDir, 'arduino-cli');
}

function sourceDir(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'Dir' in answer && typeof answer.Dir === 'string') {
    return answer.Dir;
  }
  throw new Error(`go mod download: no Dir in ${JSON.stringify(answer)}`);
}
