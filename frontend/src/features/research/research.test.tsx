import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { keys } from '../../api/keys'
import { aBacktest, aRun, aStudy } from '../../test/research'
import { BacktestsPanel } from './BacktestsPanel'
import { ComparisonPanel } from './ComparisonPanel'
import { RunTradesPanel } from './RunTradesPanel'
import { StudyPanel } from './StudyPanel'
import { chosenRuns, withRun } from './choice'
import { FIGURES, best } from './figures'
import { figure, tint } from './surface'

let client: QueryClient

function show(view: ReactNode) {
  render(<QueryClientProvider client={client}>{view}</QueryClientProvider>)
}

function hold(...runs: ReturnType<typeof aBacktest>[]) {
  client.setQueryData(keys.backtests, { pages: [{ runs, next_cursor: null }], pageParams: [0] })
}

beforeEach(() => {
  client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
  window.location.hash = '#/research'
  vi.stubGlobal('matchMedia', () => ({ matches: false }))
})
afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

describe('the trades of a run', () => {
  const trade = {
    strategy: 'rsi_mean_reversion', asset: 'BTC', direction: 'LONG', quantity: '0.1', stake: '200', entry_time: 0,
    entry_price: '100', exit_time: 90_000, exit_price: '101', exit_reason: 'take_profit', gross_pnl: '0.10', fees: '0.02',
    funding_pnl: '0', slippage_cost: '0.01', realised_pnl: '0.08', confidence: 0.7, suspect: false,
  } as const

  it('are a click away from its figure, and stand in the link', () => {
    hold(aBacktest({ id: 7, trades: 4 }))
    client.setQueryData(keys.runTrades(7), { pages: [{ trades: [trade], total: 4, next_cursor: '1' }], pageParams: [0] })
    window.location.hash = '#/research?runs=none'
    show(<><BacktestsPanel /><RunTradesPanel /></>)
    expect(screen.queryByTestId('run-trades')).toBeNull()
    const figure = screen.getByRole('link', { name: '4' })
    expect(figure.getAttribute('href')).toBe('#/research?runs=none&trades_of=7')
    cleanup()
    window.location.hash = '#/research?runs=none&trades_of=7'
    show(<RunTradesPanel />)
    const row = within(screen.getByTestId('run-trades')).getAllByRole('row')[1]
    expect(row?.textContent).toBe('LONG BTCrsi_mean_reversion1 Jan 00:001 Jan 00:01take profit1 m 30 s100.000101.000+0.10−0.020.00+0.08')
    expect(screen.getByRole('button', { name: 'Show more trades' })).toBeTruthy()
  })
})

describe('which runs are compared', () => {
  it('takes the two newest until somebody chooses, and an empty choice is one', () => {
    const runs = [3, 2, 1].map((id) => aBacktest({ id }))
    expect(chosenRuns(null, runs)).toEqual([3, 2])
    expect(chosenRuns('none', runs)).toEqual([])
    expect(chosenRuns('2,2,x,-1,1', runs)).toEqual([2, 1])
    expect([withRun([3], 1, true), withRun([3], 3, false)]).toEqual(['3,1', 'none'])
  })

  it('puts the choice into the link', () => {
    hold(aBacktest({ id: 2 }), aBacktest({ id: 1 }))
    show(<BacktestsPanel />)
    fireEvent.click(screen.getByRole('checkbox', { name: /#1/ }))
    expect(window.location.hash).toBe('#/research?runs=2')
  })

  it('says how to make a run when there is none', () => {
    hold()
    show(<BacktestsPanel />)
    expect(screen.getByText(/trading_core backtest/)).toBeTruthy()
  })
})

describe('runs beside each other', () => {
  it('marks the best of each figure, says what differs, and warns about different spans', () => {
    hold(aBacktest({ id: 2 }), aBacktest({ id: 1 }))
    const runs = [aRun({ id: 2, sharpe: 2 }), aRun({ id: 1, sharpe: 1 })]
    const settings = [
      { part: 'rsi', name: 'oversold', values: ['25', '30'], differs: true },
      { part: 'run', name: 'source', values: ['postgres', 'postgres'], differs: false },
    ]
    client.setQueryData(keys.comparison([2, 1]), { runs, settings, comparable: false, why_not: 'different spans' })
    show(<ComparisonPanel />)
    expect(screen.getByText(/These runs have different spans/)).toBeTruthy()
    const sharpe = within(screen.getByTestId('comparison')).getByRole('row', { name: /^Sharpe/ })
    expect(within(sharpe).getByTitle('The best of these runs').textContent).toBe('2.00')
    expect(screen.getByTestId('settings').textContent).toContain('oversold')
    expect(screen.getByTestId('settings').textContent).not.toContain('source')
    fireEvent.click(screen.getByRole('radio', { name: 'all settings' }))
    expect(screen.getByTestId('settings').textContent).toContain('source')
  })

  it('calls nothing the best where all are equal, not defined, or neither end is better', () => {
    const named = (name: string) => {
      const found = FIGURES.find((each) => each.name === name)
      if (!found) throw new Error(name)
      return found
    }
    const runs = [aBacktest({ sharpe: null, max_drawdown: 0.02 }), aBacktest({ sharpe: 1, max_drawdown: 0.01 })]
    expect([...best(named('sharpe'), runs)]).toEqual([])
    expect([...best(named('max_drawdown_fraction'), runs)]).toEqual([1])
    expect([...best(named('fees_usd'), runs)]).toEqual([])
    expect([...best(named('realised_pnl_usd'), runs)]).toEqual([])
  })
})

describe('a search', () => {
  it('calls luck luck, with each figure and its meaning', () => {
    client.setQueryData(keys.study(7, null, null), aStudy({ id: 7 }))
    show(<StudyPanel id={7} />)
    expect(screen.getByTestId('judgement').textContent).toContain('Luck explains it')
    expect(screen.getByTestId('overfit').textContent).toContain('28.4 %How often')
  })

  it('colours both parts by one scale around the level without an edge', () => {
    expect(tint('sharpe', 1, [1, -2])).toBe(0.5)
    expect(tint('sharpe', -2, [1, -2])).toBe(-1)
    expect(tint('profit_factor', 1, [0.5, 1.5])).toBe(0)
    expect(tint('drawdown', 0.1, [0.1])).toBe(-1)
    expect([figure('win_rate', 0.5), figure('pnl', -3), figure('sharpe', 1.234)]).toEqual(['50.0 %', '\u22123.00', '1.23'])
  })

  it('draws a cell for each pair of values and frames the best set', () => {
    client.setQueryData(keys.study(7, null, null), aStudy({ id: 7 }))
    show(<StudyPanel id={7} />)
    const map = screen.getByRole('region', { name: 'Where it was chosen: a and b' })
    expect(within(map).getByTitle(/Set 1, the best where it was chosen: 2.00 on 3 trades/)).toBeTruthy()
    expect(within(map).getByTitle('No set of this place ran.')).toBeTruthy()
  })
})
