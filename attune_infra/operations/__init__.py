"""Operations on a live broker. They ask nothing and print nothing."""
