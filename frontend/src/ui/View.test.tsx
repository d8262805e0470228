import { cleanup, render, screen } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { ApiError } from '../api/client'
import { View } from './View'

const query = { data: undefined, error: null, isFetching: false, refetch: vi.fn() }

function show(changes: Partial<Parameters<typeof View<string[]>>[0]['query']>) {
  render(
    <View<string[]> query={{ ...query, ...changes }} empty={(rows) => rows.length === 0} whyEmpty="Nothing yet, because.">
      {(rows) => <p>{rows.join()}</p>}
    </View>,
  )
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

  it('keeps what it has when an error comes', () => {
    show({ data: ['kept'], error: new Error('gone') })
    expect(screen.getByText('kept')).toBeTruthy()
  })
})
