import hashlib
from datetime import UTC, datetime, timedelta

import jwt

from shop.core.config import settings

ALGORITHM = "HS256"


def create_access_token(subject: str) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES)
    return jwt.encode({"sub": subject, "exp": expires}, settings.SECRET_KEY, algorithm=ALGORITHM)


def subject_of(token: str) -> str:
    return str(jwt.decode(token, settings.SECRET_KEY, algorithms=[ALGORITHM])["sub"])


def hash_password(password: str, salt: bytes = b"shop") -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 50_000).hex()
