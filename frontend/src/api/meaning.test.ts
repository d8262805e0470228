import { expect, it } from 'vitest'

import { meaningOf } from './meaning'

const DEFINITIONS = [{ name: 'win_rate', title: 'Win rate', formula: 'wins / all', unit: 'fraction', rests_on: 'closed positions' }]

it('a figure is explained by the words of the API, and by a note where the page has one', () => {
  expect(meaningOf(DEFINITIONS, 'win_rate')).toBe('Win rate = wins / all. In fraction; rests on closed positions.')
  expect(meaningOf([], 'win_rate', 'Small: open ones.')).toBe('Small: open ones.')
  expect(meaningOf(DEFINITIONS, undefined)).toBeUndefined()
})
