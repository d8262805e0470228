"""What is known about one asset: candle series, market state, and the snapshot a strategy sees."""
