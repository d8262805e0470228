import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Tips } from './Tips'

function show() {
  render(
    <>
      <dl>
        <dt tabIndex={0} title="gains / losses">
          Profit factor
        </dt>
        <dd>1.2</dd>
      </dl>
      <button type="button" title="Sorts by it">
        P&L
      </button>
      <Tips />
    </>,
  )
}

const tip = () => screen.queryByTestId('tip')?.textContent ?? null

function touch(text: string) {
  // jsdom has no PointerEvent: an event of that name with the one field that is read.
  const event = new Event('pointerup', { bubbles: true })
  Object.assign(event, { pointerType: 'touch' })
  fireEvent(screen.getByText(text), event)
}

describe('what a figure means, without a mouse', () => {
  beforeEach(() => {
    HTMLElement.prototype.showPopover = vi.fn()
  })
  afterEach(cleanup)

  it('is said on focus, and gone with Escape or when the focus leaves', () => {
    show()
    const term = screen.getByText('Profit factor')
    // jsdom does not know whether a focus came from the keyboard.
    vi.spyOn(term, 'matches').mockReturnValue(true)
    const focus = () => {
      act(() => {
        term.focus()
      })
    }
    const leave = () => {
      act(() => {
        term.blur()
      })
    }
    focus()
    expect(tip()).toBe('gains / losses')
    fireEvent.keyDown(document, { key: 'Escape' })
    expect(tip()).toBeNull()
    leave()
    focus()
    expect(tip()).toBe('gains / losses')
    leave()
    expect(tip()).toBeNull()
  })

  it('is said on a touch and gone with the next one, but not where a touch does something', () => {
    show()
    touch('Profit factor')
    expect(tip()).toBe('gains / losses')
    touch('1.2')
    expect(tip()).toBeNull()
    touch('Profit factor')
    touch('Profit factor')
    expect(tip()).toBeNull()
    touch('P&L')
    expect(tip()).toBeNull()
  })

  it('stays when the focus follows the finger', () => {
    show()
    const term = screen.getByText('Profit factor')
    screen.getByText('P&L').focus()
    touch('Profit factor')
    // A browser moves the focus after the touch, and says that no keyboard did.
    vi.spyOn(term, 'matches').mockReturnValue(false)
    act(() => {
      term.focus()
    })
    expect(tip()).toBe('gains / losses')
  })
})
