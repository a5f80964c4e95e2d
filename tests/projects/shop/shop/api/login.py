from typing import Annotated

import jwt
from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel
from sqlalchemy import select

from shop.core.db import SessionDep
from shop.core.security import create_access_token, hash_password, subject_of
from shop.models import User

router = APIRouter(tags=["login"])
bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/login/access-token")


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the name of a scheme


@router.post("/login/access-token")
def login(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    user = session.scalar(select(User).where(User.email == form.username))
    if user is None or user.password_hash != hash_password(form.password):
        raise HTTPException(400, "wrong email or password")
    return Token(access_token=create_access_token(str(user.id)))


def current_user(session: SessionDep, token: Annotated[str, Depends(bearer)]) -> User:
    try:
        user = session.get(User, int(subject_of(token)))
    except jwt.InvalidTokenError:
        user = None
    if user is None:
        raise HTTPException(403, "the token is not valid")
    return user


CurrentUser = Annotated[User, Depends(current_user)]
