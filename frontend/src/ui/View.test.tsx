import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { ApiError } from '../api/client'
import { View } from './View'

const query = { data: undefined, error: null, isFetching: false, refetch: vi.fn() }

type Changes = Partial<Parameters<typeof View<string[]>>[0]['query']>

function Rows(changes: Changes) {
  return (
    <View<string[]> query={{ ...query, ...changes }} empty={(rows) => rows.length === 0} whyEmpty="Nothing yet, because.">
      {(rows) => <p>{rows.join()}</p>}
    </View>
  )
}

function show(changes: Changes) {
  render(<Rows {...changes} />)
}

describe('every view', () => {
  afterEach(cleanup)

  it('says that it is loading', () => {
    show({})
    expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy()
  })

  it('says why it is empty', () => {
    show({ data: [] })
    expect(screen.getByText('Nothing yet, because.')).toBeTruthy()
  })

  it('says what to do about an error, with the id that finds it in the log', () => {
    show({ error: new ApiError(500, 'This is a bug.', 'abc123') })
    expect(screen.getByRole('alert').textContent).toContain('This is a bug. (error abc123)')
    screen.getByRole('button', { name: 'Try again' }).click()
    expect(query.refetch).toHaveBeenCalledOnce()
  })

  it('goes on saying what is wrong while it asks again, until there is an answer', () => {
    const { rerender } = render(<Rows error={new Error('away')} />)
    rerender(<Rows isFetching />)
    expect(screen.getByRole('alert').textContent).toContain('The server cannot be reached.')
    rerender(<Rows data={['back']} />)
    expect(screen.getByText('back')).toBeTruthy()
    rerender(<Rows isFetching />)
    expect(screen.queryByRole('alert')).toBeNull()
  })

  it('does not go on saying that something does not exist when it asks for something else', () => {
    const { rerender } = render(<Rows error={new ApiError(404, 'There is no strategy x.', 'abc123')} />)
    expect(screen.getByRole('alert').textContent).toContain('There is no such thing.There is no strategy x.Try')
    rerender(<Rows isFetching />)
    expect(screen.getByRole('status', { name: 'Loading' })).toBeTruthy()
  })

  it('keeps what it has when an error comes', () => {
    show({ data: ['kept'], error: new Error('gone') })
    expect(screen.getByText('kept')).toBeTruthy()
  })
})
