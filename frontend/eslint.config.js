import { readdirSync } from 'node:fs'

import reactHooks from 'eslint-plugin-react-hooks'
import tseslint from 'typescript-eslint'

const features = readdirSync(new URL('src/features', import.meta.url))

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'public', 'src/api/schema.ts'] },
  {
    files: ['src/**/*.{ts,tsx}', 'vite.config.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  // A feature stands alone: what two of them need moves to api, ui or format.
  ...features.map((feature) => ({
    files: [`src/features/${feature}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: features.filter((other) => other !== feature).map((other) => `**/${other}/**`), message: 'A feature never imports another.' },
            { group: ['**/app/**'], message: 'The app composes features, not the other way round.' },
          ],
        },
      ],
    },
  })),
)
