import type { ReactNode } from 'react'

import { ApiError } from '../api/client'

interface Props<T> {
  query: {
    data: T | undefined
    error: Error | null
    isFetching: boolean
    refetch: () => unknown
  }
  /** Rows of grey while loading: about what the data will take, so that nothing jumps. */
  lines?: number
  empty?: (data: T) => boolean
  /** Why there is nothing, and what makes something appear. */
  whyEmpty?: ReactNode
  children: (data: T) => ReactNode
}

/** The four states of every view: loading, error with what to do, empty with why, data. Old data outlives an error. */
export function View<T>({ query, lines = 4, empty, whyEmpty, children }: Props<T>) {
  const { data, error, refetch, isFetching } = query
  if (data !== undefined) {
    if (empty?.(data)) return <div className="note">{whyEmpty}</div>
    return children(data)
  }
  if (error) {
    return (
      <div className="note note-error" role="alert">
        <strong>{title(error)}</strong>
        <p>{advice(error)}</p>
        <button type="button" className="button" disabled={isFetching} onClick={() => void refetch()}>
          Try again
        </button>
      </div>
    )
  }
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} style={{ inlineSize: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  )
}

function title(error: Error): string {
  if (!(error instanceof ApiError)) return 'The server cannot be reached.'
  return error.status === 503 ? 'Not available right now.' : 'The server could not answer.'
}

function advice(error: Error): string {
  if (!(error instanceof ApiError)) {
    return 'This page tries again by itself. If it lasts, check that the platform is running.'
  }
  return error.id ? `${error.message} (error ${error.id})` : error.message
}
