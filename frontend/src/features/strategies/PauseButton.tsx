import { useState } from 'react'

import { CommandDialog } from '../../ui/CommandDialog'

interface Props {
  strategy: string
  /** What a person reads: the name of the class. */
  name: string
  paused: boolean
}

/** Pauses a strategy, or resumes one that is paused; the dialog asks for the reason and the token. */
export function PauseButton({ strategy, name, paused }: Props) {
  const [asking, setAsking] = useState(false)
  const verb = paused ? 'resume' : 'pause'
  const words = paused ? 'Resume' : 'Pause'
  return (
    <>
      <button type="button" className="button" aria-label={`${words} ${name}`} onClick={() => { setAsking(true) }}>
        {words}
      </button>
      {asking ? (
        <CommandDialog verb={verb} target={{ strategy }} title={`${words} ${name}`} onClose={() => { setAsking(false) }}>
          {paused
            ? 'Its next signal may open a position again. What its day limit has paused goes on by itself at midnight UTC.'
            : 'It opens nothing more until it is resumed. What it holds stays open, with its stops, targets and time-outs.'}
        </CommandDialog>
      ) : null}
    </>
  )
}
