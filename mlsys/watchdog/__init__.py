"""The watchdog: looks from outside at what should be at work, so that nothing stops in silence."""
