import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { keys } from '../api/keys'
import { aMarket, aSummary } from '../test/builders'
import { Navigation } from './Navigation'
import { Boundary, Shown, codeOf } from './Shown'
import Polymarket from './pages/Polymarket'
import { viewOf } from './views'

const MARKETS = { pages: [{ event_time_ms: 0, markets: [aMarket()], next_cursor: null }], pageParams: [''] }

function show(what: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
  client.setQueryData(keys.summary, aSummary())
  client.setQueryData(keys.markets({ state: 'open', asset: null }), MARKETS)
  client.setQueryData(codeOf(viewOf('polymarket')).queryKey, { default: Polymarket })
  render(<QueryClientProvider client={client}>{what}</QueryClientProvider>)
}

function go(hash: string) {
  act(() => {
    window.location.hash = hash
    window.dispatchEvent(new HashChangeEvent('hashchange'))
  })
}

describe('the shell', () => {
  beforeEach(() => {
    window.scrollTo = vi.fn()
    window.location.hash = '#/data'
  })
  afterEach(cleanup)

  it('names the view in the title and moves the focus to it, but not when only a filter changes', () => {
    show(<Shown />)
    go('#/polymarket')
    expect(document.title).toBe('Polymarket · Paper trading')
    expect(document.activeElement?.id).toBe('main')
    const state = screen.getByRole('radio', { name: 'open' })
    state.focus()
    go('#/polymarket?asset=BTC')
    expect(document.activeElement).toBe(screen.getByRole('radio', { name: 'open' }))
  })

  it('moves the focus to the details of a strategy too, which are of the same view', () => {
    window.location.hash = '#/polymarket'
    show(<Shown />)
    screen.getByRole('radio', { name: 'open' }).focus()
    go('#/polymarket/some')
    expect(document.activeElement?.id).toBe('main')
  })

  it('marks the link of the view that is shown', () => {
    show(<Navigation />)
    expect(screen.getByRole('link', { current: 'page' }).textContent).toBe('Data quality')
    go('#/no-such-view')
    expect(screen.getByRole('link', { current: 'page' }).textContent).toBe('Dashboard')
  })

  it('closes its list with Escape and gives the focus back', () => {
    show(<Navigation />)
    const button = screen.getByRole('button', { name: 'View: Data quality' })
    fireEvent.click(button)
    expect(button.getAttribute('aria-expanded')).toBe('true')
    fireEvent.keyDown(screen.getByRole('link', { name: 'Polymarket' }), { key: 'Escape' })
    expect(button.getAttribute('aria-expanded')).toBe('false')
    expect(document.activeElement).toBe(button)
  })

  it('says that a view broke and shows it again on request', () => {
    const quiet = vi.spyOn(console, 'error').mockReturnValue()
    let broken = true
    const View = () => {
      if (broken) throw new Error('no such figure')
      return <p>whole</p>
    }
    show(
      <Boundary title="Broken">
        <View />
      </Boundary>,
    )
    expect(screen.getByRole('alert').textContent).toContain('no such figure')
    broken = false
    fireEvent.click(screen.getByRole('button', { name: 'Show it again' }))
    expect(screen.getByText('whole')).toBeTruthy()
    quiet.mockRestore()
  })
})
