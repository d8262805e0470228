import { describe, expect, it } from 'vitest'

import { direction, percent, price, quantity, signedPercent, signedUsd, usd, written } from './numbers'

describe('numbers', () => {
  it('writes money with two places and a true minus', () => {
    expect(usd('10012.345678')).toBe('10,012.35')
    expect(signedUsd('-3.1')).toBe('−3.10')
    expect(signedUsd('12.3')).toBe('+12.30')
  })

  it('gives an amount that rounds to nothing neither sign nor direction', () => {
    expect(signedUsd('-0.001')).toBe('0.00')
    expect(direction('-0.001')).toBe('flat')
    expect(direction('-0.01')).toBe('down')
    expect(direction(null)).toBe('flat')
  })

  it('quotes a price with the places of its size', () => {
    expect(price('84036.8')).toBe('84,036.8')
    expect(price('2120.4')).toBe('2,120.40')
    expect(price('139.4819')).toBe('139.482')
    expect(price('0.5321')).toBe('0.5321')
  })

  it('drops the zeros at the end of a quantity and no digit before them', () => {
    expect(quantity('0.00237000')).toBe('0.00237')
    expect(quantity('120')).toBe('120')
    expect(quantity('100.000')).toBe('100')
  })

  it('writes out what a program wrote with an exponent, and nothing else', () => {
    expect(['6.744e-05', '-1e-7', '0.17', 'true'].map(written)).toEqual(['0.00006744', '\u22120.0000001', '0.17', 'true'])
  })

  it('shows fractions as per cent', () => {
    expect(percent(0.0125)).toBe('1.25 %')
    expect(signedPercent(-0.0134)).toBe('−1.34 %')
  })
})
