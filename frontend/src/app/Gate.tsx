import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ReactNode, SubmitEvent } from 'react'

import { keepReadToken, useRefusal } from '../api/reading'
import type { Refusal } from '../api/reading'

/** The page, or, where the API lets nobody read without a token, the question for one. */
export function Gate({ children }: { children: ReactNode }) {
  const refusal = useRefusal()
  return refusal === null ? children : <Locked refusal={refusal} />
}

function Locked({ refusal }: { refusal: Refusal }) {
  const client = useQueryClient()
  const [token, setToken] = useState('')
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    // What was refused is forgotten, so that the views begin by loading and not with the refusal.
    client.removeQueries({ predicate: ({ state }) => state.status === 'error' })
    keepReadToken(token.trim())
  }
  return (
    <main className="locked" aria-labelledby="locked">
      <h1 id="locked">Reading needs a token</h1>
      <form className="form" onSubmit={submit} data-testid="locked">
        <p>
          This API shows its figures only to whoever has a token that may read: the value of TRADING_API__READ_TOKEN, or of
          TRADING_API__CONTROL_TOKEN, which may read too. Whoever runs the platform has them.
        </p>
        <label>
          Token <small>kept until this tab is closed</small>
          <input
            type="password"
            value={token}
            required
            autoFocus
            autoComplete="current-password"
            aria-invalid={refusal === 'wrong'}
            onChange={(event) => {
              setToken(event.target.value)
            }}
          />
        </label>
        {refusal === 'wrong' ? (
          <p className="note-error" role="alert">
            The API does not know this token. Enter it again, or ask for the one in force.
          </p>
        ) : null}
        <p className="form-end">
          <button type="submit" className="button is-main">
            Show the figures
          </button>
        </p>
      </form>
    </main>
  )
}
