// @vitest-environment node
import { readFileSync } from 'node:fs'

import openapiTS, { astToString } from 'openapi-typescript'
import { expect, it } from 'vitest'

it('the generated types are those of openapi.json', async () => {
  const root = new URL('../../', import.meta.url)
  const made = astToString(await openapiTS(new URL('openapi.json', root)))
  const committed = readFileSync(new URL('src/api/schema.ts', root), 'utf8')
  expect(committed.endsWith(made), 'run: npm run generate').toBe(true)
})
