import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { keys } from '../../api/keys'
import { aPosition } from '../../test/builders'
import { PositionsPanel } from './PositionsPanel'

// The client of the API takes hold of `fetch` when it is made, which is before any test begins.
const server = vi.hoisted(() => {
  const held: { answer: (request: Request) => Promise<Response> } = {
    answer: () => Promise.reject(new Error('nobody answers')),
  }
  globalThis.fetch = (request) => held.answer(request instanceof Request ? request : new Request(request))
  return held
})

const TOKEN = 'a token of this test'
let client: QueryClient

function show(position = aPosition()) {
  client.setQueryData(keys.positions, [position])
  client.setQueryData(keys.eventTime, 1_741_205_700_000)
  render(
    <QueryClientProvider client={client}>
      <PositionsPanel />
    </QueryClientProvider>,
  )
}

function answers(status: number, body: unknown) {
  const asked = vi.fn<(request: Request) => Promise<Response>>(() => Promise.resolve(Response.json(body, { status })))
  // Of the others no answer comes: the page goes on with what it holds.
  server.answer = (request) => (request.url.includes('/control/') ? asked(request) : new Promise(() => undefined))
  return asked
}

function fill(label: RegExp, value: string) {
  fireEvent.change(screen.getByLabelText(label), { target: { value } })
}

describe('live positions', () => {
  beforeEach(() => {
    client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
    // The test's browser has no modal dialogs: it shows them like any other element.
    HTMLDialogElement.prototype.showModal = function () { this.open = true }
    HTMLDialogElement.prototype.close = function () { this.open = false }
  })
  afterEach(() => {
    cleanup()
    sessionStorage.clear()
  })

  it('count down in market time, and say what the next funding brings', () => {
    show()
    // It is 20:15: the deadline is at 20:33, and the settlement of 20:00 that was named is over: the next is at 21:00.
    expect(screen.getByTestId('time-left').textContent).toBe('18 m')
    expect(screen.getByTestId('next-funding').textContent).toBe('45 m−0.0025 USD')
  })

  it('name the token that is held, and say why it pays no funding', () => {
    const market = { title: 'Bitcoin Up or Down', outcome: 'NO' as const, end_ms: 0, resolved_ms: null, payout: null }
    show(aPosition({ exchange: 'polymarket', direction: 'SHORT', market, funding_interval_ms: null, next_funding_ms: null }))
    expect(screen.getByText('BTC NO')).toBeTruthy()
    expect(screen.getByText(/Bitcoin Up or Down · ends \d/)).toBeTruthy()
    expect(screen.getByLabelText(/A token pays no funding/)).toBeTruthy()
  })

  it('are closed with a reason and the token, which is asked for once', async () => {
    const asked = answers(200, { request_id: 'r', event_time_ms: 1_741_205_700_000, events: ['c', 'o', 'f', 'ps'] })
    show()
    fireEvent.click(screen.getByRole('button', { name: /^Close LONG BTC/ }))
    fill(/Your name/, 'ann')
    fill(/Why/, 'looks wrong')
    fill(/Control token/, TOKEN)
    fireEvent.submit(screen.getByTestId('command'))
    await waitFor(() => { expect(screen.getByTestId('command-outcome').textContent).toContain('Closed.') })
    const request = asked.mock.calls[0]?.[0]
    expect(request?.headers.get('authorization')).toBe(`Bearer ${TOKEN}`)
    expect(await request?.json()).toEqual({ who: 'ann', why: 'looks wrong', all: false, position: 'po:1' })
    fireEvent.click(screen.getByRole('button', { name: 'Good' }))
    fireEvent.click(screen.getByRole('button', { name: /^Close LONG BTC/ }))
    expect(screen.queryByLabelText(/Control token/)).toBeNull()
  })

  it('say that the token was wrong, and that nothing was done', async () => {
    answers(401, { detail: 'no', id: 'x' })
    show()
    fireEvent.click(screen.getByRole('button', { name: /^Close LONG BTC/ }))
    fireEvent.submit(screen.getByTestId('command'))
    await waitFor(() => { expect(screen.getByRole('alert').textContent).toContain('Nothing was done') })
    expect(sessionStorage.getItem('control-token')).toBeNull()
  })
})
