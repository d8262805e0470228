/** What a figure is, in the words of the API: the one place that spells a formula. */

import { useQuery } from '@tanstack/react-query'

import { api, unwrap } from './client'
import type { MetricDefinition } from './client'
import { keys } from './keys'

export type Meaning = (metric: string | undefined, note?: string) => string | undefined

export function meaningOf(definitions: readonly MetricDefinition[], metric: string | undefined, note?: string): string | undefined {
  const found = definitions.find(({ name }) => name === metric)
  const formula = found && `${found.title} = ${found.formula}. In ${found.unit}; rests on ${found.rests_on}.`
  return [formula, note].filter(Boolean).join(' ') || undefined
}

/** The formula, unit and basis of a figure by its field name, and what else `note` says about this place. */
export function useMeaning(): Meaning {
  const { data } = useQuery({
    queryKey: keys.definitions,
    queryFn: () => unwrap(api.GET('/api/metrics/definitions')),
    // They change with the server only.
    staleTime: Infinity,
  })
  return (metric, note) => meaningOf(data ?? [], metric, note)
}
