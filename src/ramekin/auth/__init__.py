"""Who may call an operation: schemes that say who a request is from, and requirements of what they may do.

    requires(requirement)        declared on a method, a class or the app; `public` opens an operation
    ├── Scheme                   who it is from, and one's own by a subclass
    │   ├── Bearer               a token in ``Authorization``, checked by a function
    │   │   ├── BearerTokens     …issued and signed by this app
    │   │   ├── JWT              …issued by somebody else (`KeySet`: their public keys)
    │   │   ├── OAuth2           …with the flows that issue it in the document
    │   │   └── OpenIDConnect    …with the provider in the document
    │   ├── APIKeys              the key of a program
    │   ├── Basic                a user name and a password
    │   └── SessionCookie        the session of a browser
    ├── Policy                   a function that decides, made by `policy`; `loads` gives it the object
    └── anonymous                nobody has to say who they are

Specification: RFC 9110 §11 and §15.5; RFC 6750; OpenAPI 3.1 §4.8.27 and §4.8.30.
"""

from __future__ import annotations

from ramekin.auth.api_keys import APIKeys, NewKey, generate_key, hash_key
from ramekin.auth.basic import Basic
from ramekin.auth.bearer import Bearer
from ramekin.auth.credentials import BadCredentials, read_authorization
from ramekin.auth.declarations import Requires, public, requires
from ramekin.auth.json_web_tokens import JWT
from ramekin.auth.key_sets import KeySet
from ramekin.auth.oauth2 import OAuth2, OpenIDConnect
from ramekin.auth.objects import Loads, loads
from ramekin.auth.policies import Policy, policy
from ramekin.auth.principals import UNSTATED, Principal
from ramekin.auth.requirements import Requirement, anonymous
from ramekin.auth.schemes import Scheme
from ramekin.auth.session_cookies import SessionCookie
from ramekin.auth.tokens import BearerTokens

__all__ = [
    "JWT",
    "UNSTATED",
    "APIKeys",
    "BadCredentials",
    "Basic",
    "Bearer",
    "BearerTokens",
    "KeySet",
    "Loads",
    "NewKey",
    "OAuth2",
    "OpenIDConnect",
    "Policy",
    "Principal",
    "Requirement",
    "Requires",
    "Scheme",
    "SessionCookie",
    "anonymous",
    "generate_key",
    "hash_key",
    "loads",
    "policy",
    "public",
    "read_authorization",
    "requires",
]
