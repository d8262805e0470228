import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { PauseButton } from './PauseButton'

// The browser of the tests has no dialogs yet.
beforeEach(() => {
  HTMLDialogElement.prototype.showModal = function () { this.open = true }
  HTMLDialogElement.prototype.close = function () { this.open = false }
})
afterEach(cleanup)

function show(paused: boolean) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <PauseButton strategy="funding_arb" name="FundingArb" paused={paused} />
    </QueryClientProvider>,
  )
}

test('a running strategy can be paused, and the dialog says what stays', () => {
  show(false)
  fireEvent.click(screen.getByRole('button', { name: 'Pause FundingArb' }))
  expect(screen.getByTestId('command').textContent).toContain('What it holds stays open')
})

test('a paused one can be resumed', () => {
  show(true)
  expect(screen.queryByRole('button', { name: 'Pause FundingArb' })).toBeNull()
  expect(screen.getByRole('button', { name: 'Resume FundingArb' })).toBeTruthy()
})
