import { describe, expect, it } from 'vitest'

import { aFill, aSignal } from '../../test/builders'
import { entries } from './feed'

describe('activity', () => {
  it('folds a signal that goes on into one line', () => {
    const signals = [3, 2, 1].map((t) => aSignal({ id: `s:${t}`, t }))
    expect(entries(signals, [], 10)).toMatchObject([{ kind: 'signal', times: 3, t: 3 }])
  })

  it('does not fold across a signal that was acted on', () => {
    const signals = [aSignal({ id: '3', t: 3 }), aSignal({ id: '2', t: 2, decision: 'opened' }), aSignal({ id: '1', t: 1 })]
    expect(entries(signals, [], 10).map(({ key }) => key)).toEqual(['3', '1'])
  })

  it('leaves signals that were acted on to their fills', () => {
    const lines = entries([aSignal({ decision: 'opened', reason: null })], [aFill()], 10)
    expect(lines.map(({ kind }) => kind)).toEqual(['fill'])
  })

  it('is in order of time and bounded', () => {
    const lines = entries([aSignal({ t: 2 })], [aFill({ id: 'a', t: 1 }), aFill({ id: 'b', t: 3 })], 2)
    expect(lines.map(({ t }) => t)).toEqual([3, 2])
  })
})
