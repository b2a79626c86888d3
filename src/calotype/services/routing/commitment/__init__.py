"""Storage commitment (PS3.4 J): what we promise to others, and what others promise to us.

``promises`` answers those who ask us, ``requests`` asks others; both write down each transaction before they say
anything, so that its outcome survives a restart. How messages travel is ``scp``'s and ``scu``'s business.
"""
