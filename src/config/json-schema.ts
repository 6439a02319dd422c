import * as z from 'zod';
import { configFileSchema } from './schema.ts';

/** The JSON schema of a configuration file, for editors. Draft 7 is what most of them know. */
export function jsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configFileSchema, { io: 'input', target: 'draft-7' });
  return {
    $schema,
    title: 'otarc configuration',
    description:
      'How `otarc` builds an image and pushes it to devices: .otarc, otarc.config.*, "otarc" in package.json.',
    ...schema,
  };
}
