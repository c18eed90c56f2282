"""Django REST framework, with its own serializers."""

from __future__ import annotations

# Django must be set up before what stands on it is imported.
from peers.django_settings import wsgi_for

# isort: split
import itertools

from django.urls import path as dpath
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from domain import PET, PETS, SPECIES, Owner, Pet, tree

KIND = "wsgi"
_n = itertools.count()


class OwnerS(serializers.Serializer):
    name = serializers.CharField(min_length=1, max_length=80)
    email = serializers.CharField()


class PetIn(serializers.Serializer):
    name = serializers.CharField(min_length=1, max_length=50)
    species = serializers.ChoiceField(SPECIES)
    weight = serializers.FloatField(min_value=0, max_value=200)
    born = serializers.DateTimeField()
    vaccinated = serializers.BooleanField(default=False)
    tags = serializers.ListField(child=serializers.CharField(), max_length=10)
    owner = OwnerS()
    note = serializers.CharField(allow_null=True, max_length=200, required=False)


class PetOut(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    species = serializers.CharField()
    weight = serializers.FloatField()
    born = serializers.DateTimeField()
    vaccinated = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    owner = OwnerS()


class Q(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)


class Ping(APIView):
    def get(self, request, **kw):
        return Response({"ok": True})


class One(APIView):
    def get(self, request, id):
        return Response(PetOut(PET).data)


class Many(APIView):
    def get(self, request):
        q = Q(data=request.query_params)
        q.is_valid(raise_exception=True)
        return Response(PetOut(PETS[: q.validated_data["limit"]], many=True).data)

    def post(self, request):
        s = PetIn(data=request.data)
        s.is_valid(raise_exception=True)
        d = s.validated_data
        pet = Pet(1, d["name"], d["species"], d["weight"], d["born"], d["vaccinated"], d["tags"], Owner(**d["owner"]))
        return Response(PetOut(pet).data, 201)


def make_app(families=0, variant=None):
    pats = [dpath("ping", Ping.as_view()), dpath("pets/<int:id>", One.as_view()), dpath("pets", Many.as_view())]
    for p, _ in tree(families):
        pats.append(dpath(p[1:].replace("{id}", "<int:id>").replace("{sid}", "<int:sid>"), Ping.as_view()))
    return wsgi_for(f"drf{next(_n)}", pats)
