import { cleanup, fireEvent, render, screen, within } from '@testing-library/react'
import { useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import { Choice } from './Choice'

afterEach(cleanup)

function Two() {
  const [left, setLeft] = useState<'BTC' | 'ETH'>('BTC')
  const [right, setRight] = useState<'BTC' | 'ETH'>('BTC')
  return (
    <>
      <div data-testid="left">
        <Choice label="Asset" options={['BTC', 'ETH']} value={left} onChange={setLeft} />
      </div>
      <div data-testid="right">
        <Choice label="Asset" options={['BTC', 'ETH']} value={right} onChange={setRight} />
      </div>
    </>
  )
}

test('two choices of one label do not take each other’s place', () => {
  render(<Two />)
  const radio = (side: string, name: string) =>
    within(screen.getByTestId(side)).getByRole<HTMLInputElement>('radio', { name })
  fireEvent.click(radio('left', 'ETH'))
  expect(radio('left', 'ETH').checked).toBe(true)
  expect(radio('right', 'BTC').checked).toBe(true)
  expect(radio('left', 'ETH').name).not.toBe(radio('right', 'BTC').name)
})
