import { z } from 'zod';
import { configSchema } from './schema.ts';
import { isSecretField } from './section.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The schema of `rollcall.yaml` for editors: what `deploy/rollcall.schema.json` holds. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => addSecretFiles(jsonSchema),
  });
  schema.title = 'Rollcall configuration';
  return schema;
}

/** Each secret may be given in a file instead; one that must be given, in one of the two ways. */
function addSecretFiles(schema: JsonSchema): void {
  const { properties, required } = schema;
  if (properties === undefined) return;
  for (const name of Object.keys(properties).filter(isSecretField)) {
    properties[`${name}File`] = { description: `A file that holds ${name}.`, type: 'string', minLength: 1 };
    if (required?.includes(name) === true) {
      schema.oneOf = [{ required: [name] }, { required: [`${name}File`] }];
    }
  }
  if (required !== undefined) schema.required = required.filter((name) => !isSecretField(name));
}
