import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ReactNode, SubmitEvent } from 'react'

import { ApiError } from '../api/client'
import { command, kept } from '../api/control'
import type { ControlAnswer, Request, Target, Verb } from '../api/control'
import { dateTime, zoneName } from '../format/times'
import { Dialog } from './Dialog'

interface Props {
  verb: Verb
  target: Target
  /** What it is about: `Close LONG BTC of rsi_mean_reversion`. */
  title: string
  /** What will happen, in a sentence. */
  children: ReactNode
  onClose: () => void
}

const DONE: Record<Verb, string> = { pause: 'Paused', resume: 'Resumed', close: 'Closed' }
const ASK: Record<Verb, string> = { pause: 'Pause', resume: 'Resume', close: 'Close position' }

/**
 * Asks who and why, for the token once a session, sends the command to the broker and shows what came of it.
 *
 * One opening of the dialog is one command: trying again repeats it under the same key, and the broker applies it once.
 */
export function CommandDialog({ verb, target, title, children, onClose }: Props) {
  const client = useQueryClient()
  const [key] = useState(() => crypto.randomUUID())
  const [token, setToken] = useState(kept.token)
  const [asksToken, setAsksToken] = useState(() => kept.token() === '')
  const [who, setWho] = useState(kept.who)
  const [why, setWhy] = useState('')
  const sent = useMutation<ControlAnswer, Error, Request>({
    mutationFn: command,
    onSuccess: () => {
      kept.keep(token, who)
      void client.invalidateQueries()
    },
    onError: (error) => {
      if (!(error instanceof ApiError) || error.status !== 401) return
      kept.forgetToken()
      setAsksToken(true)
    },
  })
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    sent.mutate({ verb, target, who: who.trim(), why: why.trim(), token, key })
  }
  return (
    <Dialog title={title} label={title} onClose={onClose}>
      {sent.data ? (
        <Outcome done={DONE[verb]} answer={sent.data} onClose={onClose} />
      ) : (
        <form className="form" onSubmit={submit} data-testid="command">
          <p>{children}</p>
          <label>
            Your name <small>stands in the record of commands</small>
            <input value={who} required maxLength={200} autoComplete="username" onChange={(event) => { setWho(event.target.value) }} />
          </label>
          <label>
            Why
            <input value={why} required maxLength={200} onChange={(event) => { setWhy(event.target.value) }} />
          </label>
          {asksToken ? (
            <label>
              Control token <small>TRADING_API__CONTROL_TOKEN of the API; kept until this tab is closed</small>
              <input
                type="password"
                value={token}
                required
                autoComplete="current-password"
                onChange={(event) => { setToken(event.target.value) }}
              />
            </label>
          ) : null}
          {sent.error ? (
            <p className="note-error" role="alert">
              {reason(sent.error)}
            </p>
          ) : null}
          <p className="form-end">
            <button type="button" className="button" onClick={onClose}>
              Leave it
            </button>
            <button type="submit" className="button is-main" disabled={sent.isPending}>
              {sent.isPending ? 'Waiting for the broker…' : ASK[verb]}
            </button>
          </p>
        </form>
      )}
    </Dialog>
  )
}

function reason(error: Error): string {
  if (!(error instanceof ApiError)) return 'The server cannot be reached. Try again: it is applied once.'
  return error.status === 401 ? 'This is not the control token of the API. Nothing was done; enter the right one.' : error.message
}

function Outcome({ done, answer, onClose }: { done: string; answer: ControlAnswer; onClose: () => void }) {
  const { event_time_ms: t, events } = answer
  return (
    <div className="form" role="status" data-testid="command-outcome">
      <p>
        <strong>{done}.</strong> The broker applied it at {dateTime(t)} {zoneName(t)}
        {events.length > 1 ? ` with ${events.length - 1} effects.` : '. It changed nothing: it was so already.'}
      </p>
      <p>
        <small>Request {answer.request_id}</small>
      </p>
      <p className="form-end">
        <button type="button" className="button is-main" onClick={onClose} autoFocus>
          Good
        </button>
      </p>
    </div>
  )
}
