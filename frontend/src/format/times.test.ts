import { afterEach, describe, expect, it } from 'vitest'

import { clock, dateTime, day, dayClock, isMidnight, span, utcDay, zoneName } from './times'
import { setZone } from './zone'

const SUMMER_MS = Date.parse('2025-07-01T22:30:00Z')

describe('times', () => {
  afterEach(() => {
    setZone('UTC')
    delete process.env['TZ']
  })

  it('shows market time in UTC, wherever the reader is', () => {
    expect(dateTime(1_741_204_500_000)).toBe('2025-03-05 19:55:00')
    expect(dayClock(1_741_204_500_000)).toBe('5 Mar 19:55')
    expect(zoneName(1_741_204_500_000)).toBe('UTC')
  })

  it("shows it by the reader's clock once that was chosen, and says which it is", () => {
    process.env['TZ'] = 'Europe/Berlin'
    setZone('Local')
    expect(dateTime(SUMMER_MS)).toBe('2025-07-02 00:30:00')
    expect([day(SUMMER_MS), clock(SUMMER_MS), zoneName(SUMMER_MS)]).toEqual(['2 Jul', '00:30', 'UTC+2'])
    expect(zoneName(Date.parse('2025-01-01T00:00:00Z'))).toBe('UTC+1')
    expect(isMidnight(Date.parse('2025-07-01T22:00:00Z'))).toBe(true)
    process.env['TZ'] = 'America/St_Johns'
    expect(zoneName(SUMMER_MS)).toBe('UTC\u22122:30')
    expect(day(Date.parse('2025-07-01T00:00:00Z'))).toBe('30 Jun')
  })

  it('leaves days of the recorded data alone', () => {
    process.env['TZ'] = 'America/St_Johns'
    setZone('Local')
    expect(utcDay('2025-07-01')).toBe('1 Jul')
  })

  it('names a span by its two largest parts', () => {
    expect([span(42), span(200), span(7_500), span(367_200)]).toEqual(['42 s', '3 m 20 s', '2 h 5 m', '4 d 6 h'])
    expect(span(-5)).toBe('0 s')
  })
})
